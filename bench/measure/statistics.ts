/** The little arithmetic that a report needs. */

/** Of an even number of values the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Between two values in proportion, as spreadsheets do it. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [low, high] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN];
  return low + (high - low) * (at - Math.floor(at));
}

export interface Ratio {
  readonly median: number;
  /** Half of the rounds lay between these. */
  readonly low: number;
  readonly high: number;
}

/** Round by round: what disturbed the machine in one round disturbed both sides of it. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Ratio {
  const ratios = ours.map((value, round) => value / (theirs[round] ?? NaN));
  return { median: median(ratios), low: percentile(ratios, 0.25), high: percentile(ratios, 0.75) };
}
