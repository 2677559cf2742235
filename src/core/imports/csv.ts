import { type CsvError, parse } from 'csv-parse';
import { columns, isColumn } from './parse-row.ts';
import { inSlices, longestRow, type ReadRow, type Source, unreadable } from './rows.ts';

/** A row of nothing but commas would not count towards its length, so so many bytes must have had a row in them. */
const longestWithoutRow = 8 * longestRow;

/**
 * Reads CSV (RFC 4180) in UTF-8, with a header of the names that a row has. Failure `invalid_input` for a header that
 * does not fit, and where a quote is wrong: whatever comes after that could be anything.
 */
export async function* readCsv(source: Source): AsyncGenerator<ReadRow> {
  let header: readonly string[] | undefined;
  let row = 0;
  for await (const cells of cellsOf(source)) {
    row += 1;
    if (cells.every((cell) => cell.trim() === '')) continue;
    if (header) yield { row, ...readCells(header, cells) };
    else header = readHeader(cells);
  }
  if (!header) throw unreadable('has no header');
}

async function* cellsOf(source: Source): AsyncGenerator<string[]> {
  let rows: string[][] = [];
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    max_record_size: longestRow,
    // taken here, at once and in order: what waits in the stream is lost when a later row has an error
    on_record: (cells: string[]) => {
      rows.push(cells);
      return undefined;
    },
  });
  // each write answers with its error; and nobody reads the stream itself
  parser.on('error', () => {}).resume();
  const take = (): string[][] => {
    const taken = rows;
    rows = [];
    return taken;
  };
  let bytesWithoutRow = 0;
  for await (const slice of inSlices(source)) {
    const error = await settled((done) => parser.write(slice, done));
    bytesWithoutRow = rows.length > 0 ? 0 : bytesWithoutRow + slice.length;
    yield* take();
    if (error) throw unreadable(problemOf(error));
    if (bytesWithoutRow > longestWithoutRow) throw unreadable('has a row that is too long');
  }
  const error = await settled((done) => parser.end(done));
  yield* take();
  if (error) throw unreadable(problemOf(error));
}

function settled(start: (done: (error?: Error | null) => void) => unknown): Promise<Error | undefined> {
  return new Promise((resolve) => {
    start((error) => resolve(error ?? undefined));
  });
}

/** By its code alone: the parser's own words quote the file, and what stands there may be a secret. */
function problemOf(error: Error): string {
  const { code } = error as Partial<CsvError>;
  if (code === 'CSV_MAX_RECORD_SIZE')
    return `has a row of more than ${longestRow} bytes, or a quote without its end`;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'has a quote without its end';
  return 'has a quote inside a field that is not quoted, or text after a quoted one';
}

function readHeader(cells: readonly string[]): readonly string[] {
  const names = cells.map((cell) => cell.trim());
  for (const [index, name] of names.entries()) {
    if (!isColumn(name))
      throw unreadable(`has no known name for its column ${index + 1}: known are ${columns.join(', ')}`);
    if (names.indexOf(name) !== index) throw unreadable(`has a column ${name} twice`);
  }
  if (!names.includes('email')) throw unreadable('has no column email');
  return names;
}

/** A cell that is empty is a member that was left out. */
function readCells(header: readonly string[], cells: readonly string[]): Omit<ReadRow, 'row'> {
  if (cells.length !== header.length)
    return { problem: `has ${cells.length} cells, and the header ${header.length}` };
  // what the parser makes of bytes that are not UTF-8
  if (cells.some((cell) => cell.includes('\ufffd'))) return { problem: 'is not UTF-8' };
  const members: Record<string, unknown> = {};
  for (const [index, name] of header.entries()) {
    const cell = cells[index]?.trim() ?? '';
    if (cell !== '') members[name] = valueOf(name, cell);
  }
  return { members };
}

function valueOf(name: string, cell: string): unknown {
  if (name === 'products') return cell.split(/[\s,;|]+/).filter((slug) => slug !== '');
  if (name === 'email_verified') return { true: true, false: false }[cell.toLowerCase()] ?? cell;
  return cell;
}
