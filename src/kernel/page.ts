/** Lists in pages by keyset: where a page ends is the next one's beginning, whatever was added meanwhile. */

/** What a list query is asked for: rows that come after this key in the list's order, so many at most. */
export interface Window {
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** The key of the last item; undefined on the last page. */
  readonly next: string | undefined;
}

/** Cuts a page out of a list that was asked for one row more than the page holds. */
export function toPage<Item>(
  rows: readonly Item[],
  limit: number,
  keyOf: (item: Item) => string,
): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? keyOf(last) : undefined };
}
