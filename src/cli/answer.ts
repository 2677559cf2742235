/** How commands say what there is: a line for each, or JSON. */
import type { Answer } from './command.ts';

type Cells<Row> = (row: Row) => readonly (string | null)[];

/** One row a line, its cells apart by tabs; as data all members of all rows. */
export function answerRows<Row extends object>(rows: readonly Row[], cellsOf: Cells<Row>): Answer {
  const lines = rows.map((row) => cellsOf(row).map(printable).join('\t'));
  return { text: lines.length > 0 ? lines.join('\n') : 'none', data: rows.map(inSnakeCase) };
}

/** What is true of one thing now. */
export function answerRow<Row extends object>(row: Row, cellsOf: Cells<Row>): Answer {
  return { text: cellsOf(row).map(printable).join('\t'), data: inSnakeCase(row) };
}

export function inSnakeCase(row: object): object {
  const nameOf = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [nameOf(key), value as unknown]));
}

/** Names are what people have typed: none of them can break a line, colour a terminal or write backwards. */
export function printable(text: string | null): string {
  if (text === null) return '-';
  const escape = (character: string) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escape);
}
