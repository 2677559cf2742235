import { z } from 'zod';
import type { Context } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { toPage, type Window } from '../../kernel/page.ts';
import { open, seal } from '../../kernel/seal.ts';
import { keyOf } from './caller.ts';
import type { Call } from './operation.ts';

/** What every list takes. */
export const pageQuery = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(200)
    .default(50)
    .meta({ description: 'How many at most.', examples: [50] }),
  cursor: z
    .string()
    .max(1000)
    .optional()
    .meta({ description: '`next_cursor` of the page before; with the same filters.' }),
});

/** And what it answers. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: 'Where the next page begins; null on the last.', examples: [null] }),
  });
}

export interface Listing<Row, Item> {
  readonly rows: (window: Window) => Promise<readonly Row[]>;
  readonly keyOf: (row: Row) => string;
  readonly show: (row: Row) => Item;
}

/** One page. Failure `invalid_input` for a cursor that is not of this list, these filters and this caller. */
export async function listPage<Row, Item>(
  ctx: Context,
  call: Call,
  { rows, keyOf: keyOfRow, show }: Listing<Row, Item>,
): Promise<{ items: Item[]; next_cursor: string | null }> {
  const { limit, cursor, ...filters } = call.query as z.output<typeof pageQuery>;
  // bound to all that it was made for: a cursor is no way to look into another account's list
  const place = [
    'cursor',
    keyOf(call.caller),
    call.operation.id,
    JSON.stringify([call.params, filters]),
  ].join('/');
  const after = cursor === undefined ? undefined : openCursor(ctx, cursor, place);
  const page = toPage(await rows({ after, limit: limit + 1 }), limit, keyOfRow);
  return {
    items: page.items.map(show),
    next_cursor: page.next === undefined ? null : seal(ctx.config.secretKeys, page.next, place),
  };
}

function openCursor({ config }: Context, cursor: string, place: string): string {
  try {
    return open(config.secretKeys, cursor, place);
  } catch (cause) {
    throw new Failure('invalid_input', { fields: { cursor: 'is not one of this list' }, cause });
  }
}
