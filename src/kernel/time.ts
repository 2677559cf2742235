/** Where the time comes from: `ctx.now` in operations, a movable clock in tests. */
export type Clock = () => Date;

/** Durations, all in seconds. */
export const minute = 60;
export const hour = 60 * minute;
export const day = 24 * hour;

export function addSeconds(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000);
}

/** Whole seconds from `from` until `until`, rounded down; negative when it has passed. */
export function secondsUntil(until: Date, from: Date): number {
  return Math.floor((until.getTime() - from.getTime()) / 1000);
}

/** The earliest of the dates that are there, or undefined when none is. */
export function earliest(...dates: readonly (Date | null | undefined)[]): Date | undefined {
  const times = dates.filter((date) => date instanceof Date).map((date) => date.getTime());
  return times.length > 0 ? new Date(Math.min(...times)) : undefined;
}
