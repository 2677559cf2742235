/** What Linux tells of a process in /proc: pure readers of its text. @see proc(5) */

/** The kernel counts processor time for us in ticks of a hundredth of a second, on every architecture. */
const tickUs = 10_000;

export interface ProcessStat {
  readonly name: string;
  readonly parent: number;
  /** User and system time of all its threads, those that have ended included; µs. */
  readonly ownUs: number;
  /** The same of its children that have ended and were waited for. */
  readonly reapedUs: number;
}

/** Reads /proc/<pid>/stat, or that of one thread. The name may itself hold spaces and brackets. */
export function parseStat(text: string): ProcessStat {
  const close = text.lastIndexOf(')');
  const name = text.slice(text.indexOf('(') + 1, close);
  // the fields after the name; the third of all (the state) comes first
  const fields = text
    .slice(close + 2)
    .split(' ')
    .map(Number);
  const field = (number: number): number => fields[number - 3] ?? NaN;
  return {
    name,
    parent: field(4),
    ownUs: (field(14) + field(15)) * tickUs,
    reapedUs: (field(16) + field(17)) * tickUs,
  };
}

/** A member of /proc/<pid>/status that is given in kB, in bytes. */
export function parseStatusKb(text: string, member: string): number {
  const found = new RegExp(`^${member}:\\s+(\\d+) kB$`, 'm').exec(text);
  return found ? Number(found[1]) * 1024 : NaN;
}
