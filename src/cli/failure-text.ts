import { type Failure, failures } from '../kernel/failures.ts';

/** What the caller is told, in one sentence after the other. */
export function textOf({ code, detail, fields = {} }: Failure): string {
  const wrong = Object.entries(fields).map(([field, problem]) => `${field} ${problem}`);
  return [failures[code].title, detail?.replace(/\.$/, ''), ...wrong].filter(Boolean).join('. ');
}
