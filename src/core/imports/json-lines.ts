import { inSlices, longestRow, type ReadRow, type Source } from './rows.ts';

const newline = 0x0a;

/** Reads one JSON object a line; a line that is none is answered with its problem, and the next one is read. */
export async function* readJsonLines(source: Source): AsyncGenerator<ReadRow> {
  let row = 0;
  for await (const line of linesOf(source)) {
    row += 1;
    if (line === undefined) yield { row, problem: `is longer than ${longestRow} bytes` };
    else if (!isBlank(line)) yield { row, ...readLine(line) };
  }
}

/** Undefined for a line that is too long: no more of it is kept than the bound. */
async function* linesOf(source: Source): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer): void => {
    length += part.length;
    if (length > longestRow) parts = [];
    else parts.push(part);
  };
  const take = (): Buffer | undefined => {
    const line = length > longestRow ? undefined : Buffer.concat(parts);
    [parts, length] = [[], 0];
    return line;
  };
  for await (const slice of inSlices(source)) {
    let from = 0;
    for (let end = slice.indexOf(newline); end !== -1; end = slice.indexOf(newline, from)) {
      add(slice.subarray(from, end));
      yield take();
      from = end + 1;
    }
    add(slice.subarray(from));
  }
  if (length > 0) yield take();
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

/** Neither problem quotes the line: what stands in it may be a secret. */
function readLine(line: Buffer): Omit<ReadRow, 'row'> {
  try {
    // a byte order mark in front is not part of the text
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { problem: 'is not a JSON object' };
    return { members: value as Record<string, unknown> };
  } catch (error) {
    return { problem: error instanceof SyntaxError ? 'is not JSON' : 'is not UTF-8' };
  }
}
