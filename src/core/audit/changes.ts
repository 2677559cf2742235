import { isDeepStrictEqual } from 'node:util';

/** What only says that something was changed. */
const bookkeeping = new Set(['updatedAt', 'revision']);

/** What differs between two states of one thing, before and after, for its event; undefined when nothing does. */
export function changesBetween<Row extends object>(
  before: Row,
  after: Row,
): Readonly<Record<string, { readonly before: unknown; readonly after: unknown }>> | undefined {
  const was = new Map<string, unknown>(Object.entries(before));
  const changed = Object.entries(after).filter(
    ([name, value]) => !bookkeeping.has(name) && !isDeepStrictEqual(value, was.get(name)),
  );
  if (changed.length === 0) return undefined;
  return Object.fromEntries(
    changed.map(([name, value]: [string, unknown]) => [
      toSnake(name),
      { before: was.get(name), after: value },
    ]),
  );
}

function toSnake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
