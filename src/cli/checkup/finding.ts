import type { Context } from '../../context.ts';

/** What was looked at, how it is, and what to do about it. */
export interface Finding {
  readonly name: string;
  readonly status: 'passed' | 'warning' | 'failed' | 'skipped';
  readonly found: string;
  readonly remedy?: string;
}

type Words = readonly [found: string, remedy: string];

export function passed(name: string, found: string): Finding {
  return { name, status: 'passed', found };
}

export function warning(name: string, ...[found, remedy]: Words): Finding {
  return { name, status: 'warning', found, remedy };
}

export function failed(name: string, ...[found, remedy]: Words): Finding {
  return { name, status: 'failed', found, remedy };
}

/** One thing to look at. It may throw: then that is what was found. */
export interface Check {
  readonly name: string;
  /** Cannot be done without the database. */
  readonly needsDatabase: boolean;
  look(ctx: Context): Promise<readonly Finding[]>;
}

/** Name and code of an error, and no more: a message may hold an address with a password in it. */
export function reasonOf(error: unknown): string {
  const { name, code, cause } = error as { name?: string; code?: string; cause?: unknown };
  if (cause instanceof Error && code === undefined) return reasonOf(cause);
  return [name, code].filter((part) => part !== undefined).join(' ');
}
