/** Times of assertions: UTC or with an offset, held against one clock, with a minute for clocks that differ. */
import { addSeconds, day, minute } from '../../kernel/time.ts';
import { refuse } from './refusing.ts';

export const skewSeconds = minute;

/** From its issue on, whatever it says of itself: nobody carries an answer around for longer. */
export const longestAgeSeconds = 10 * minute;

/** An assertion that says it holds for longer than that is one that somebody has misconfigured. */
export const longestLifeSeconds = day;

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:Z|[+-]\d\d:\d\d)$/;

/** An xs:dateTime. One without a zone would be read as ours. */
export function parseTime(text: string | undefined, what: string): Date {
  const time = dateTime.test(text ?? '') ? new Date(text ?? '') : undefined;
  return time && !Number.isNaN(time.getTime())
    ? time
    : refuse('saml_time', `no ${what}, or none that is a time`);
}

/** The same for what may be left out. */
export function parseOptionalTime(text: string | undefined, what: string): Date | undefined {
  return text === undefined ? undefined : parseTime(text, what);
}

/** Refuses a time that has not come. */
export function checkBegun(at: Date | undefined, { now, what }: Held): void {
  if (at && at > addSeconds(now, skewSeconds)) refuse('saml_time', `${what} is yet to come`);
}

/** Refuses a time that has passed, at the very second: what ends then is over then. */
export function checkNotOver(at: Date | undefined, { now, what }: Held): void {
  if (at && at <= addSeconds(now, -skewSeconds)) refuse('saml_time', `${what} has passed`);
}

export interface Held {
  readonly now: Date;
  readonly what: string;
}
