/** How commands list what there is: a line for each, or JSON. */
import type { Given } from './given.ts';

/** Of `--limit`; 50 where it is left out. */
export function limitOf(given: Given): number {
  const text = given.one('limit') ?? '50';
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error('--limit must be a number from 1 to 99999');
  return Number(text);
}

/** The value of an option that is one of these; undefined when it was left out. */
export function choiceOf<Choice extends string>(
  given: Given,
  option: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = given.one(option);
  const choice = choices.find((one) => one === text);
  if (text !== undefined && choice === undefined)
    throw new Error(`--${option} must be one of ${choices.join(', ')}`);
  return choice;
}

/** One row a line, its cells apart by tabs; with `--json` all members of all rows. */
export function printRows<Row extends object>(
  rows: readonly Row[],
  given: Given,
  cellsOf: (row: Row) => readonly (string | null)[],
): string {
  if (given.has('json')) return JSON.stringify(rows.map(inSnakeCase), undefined, 2);
  return rows.length > 0 ? rows.map((row) => cellsOf(row).map(printable).join('\t')).join('\n') : 'none';
}

function inSnakeCase(row: object): object {
  const nameOf = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [nameOf(key), value as unknown]));
}

/** Names are what people have typed: as JSON they cannot break a line or colour a terminal. */
export function printable(text: string | null): string {
  return text === null ? '-' : JSON.stringify(text).slice(1, -1);
}
