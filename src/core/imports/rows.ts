/** What a file is made of, whichever way it is written down. */
import { Failure } from '../../kernel/failures.ts';

/** One row as it was read: what its members are is for parse-row.ts to say, and `problem` why there are none. */
export interface ReadRow {
  /** As an editor or a spreadsheet counts: from 1, blank rows and the header of a CSV file too. */
  readonly row: number;
  readonly members?: Readonly<Record<string, unknown>>;
  readonly problem?: string;
}

export type Source = AsyncIterable<Uint8Array | string>;

/** No row of a person comes near it; more is not even kept in memory. In bytes. */
export const longestRow = 16 * 1024;

const sliceBytes = 64 * 1024;

/** In slices of a bounded size, however much the source gives at once. Text has to come in whole characters. */
export async function* inSlices(source: Source): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : asBuffer(chunk);
    for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** What is wrong with the file as a whole: nothing that comes after it can be read. */
export function unreadable(problem: string): Failure {
  return new Failure('invalid_input', { fields: { file: problem } });
}
