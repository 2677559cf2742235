/** Answers that are made while the request is worked through: JSON lines, one for each thing that was done. */
import { Readable } from 'node:stream';
import type { Context } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { asFailure, problemOf } from '../problems.ts';
import type { Wire } from '../route.ts';
import type { AnyInput, AnyStream, Call } from './operation.ts';

export interface Served {
  readonly input: AnyInput;
  readonly call: Call;
  readonly wire: Wire;
}

/**
 * Sends each line as it comes. What is refused before the first is a problem like any other; afterwards the status is out,
 * and the problem is the last line.
 */
export async function sendLines(
  ctx: Context,
  operation: AnyStream,
  { input, call, wire: { request, reply } }: Served,
) {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  // without a body nothing has looked at its type either
  if (!Buffer.isBuffer(request.body)) throw new Failure('unsupported_media_type');
  const file = { type: type.trim().toLowerCase(), bytes: request.body };
  const lines = operation.lines(ctx, { ...input, file }, call)[Symbol.asyncIterator]();
  const first = await lines.next();
  return reply.type('application/jsonl').send(Readable.from(textOf(ctx, { lines, first, id: request.id })));
}

interface Begun {
  readonly lines: AsyncIterator<unknown>;
  readonly first: IteratorResult<unknown>;
  readonly id: string;
}

async function* textOf(ctx: Context, { lines, first, id }: Begun): AsyncGenerator<string> {
  try {
    for (let next = first; !next.done; next = await lines.next()) yield `${JSON.stringify(next.value)}\n`;
  } catch (error) {
    const failure = asFailure(error);
    if (!failure) ctx.log.error({ err: error }, 'unexpected error');
    yield `${JSON.stringify({ problem: problemOf(failure, id) })}\n`;
  } finally {
    // whoever hangs up ends the work with the row that is being done
    await lines.return?.();
  }
}
