/** Sealing anew what an older key has sealed, while everything goes on. */
import { sql } from 'kysely';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { open, seal } from '../../kernel/seal.ts';
import { isOf, type Resealed, type SealedPlace, sealedPlaces, valueOf } from './places.ts';

export interface ResealProgress {
  readonly table: string;
  /** Values sealed anew so far. */
  readonly resealed: number;
}

export interface ResealOutcome {
  readonly resealed: number;
  /** The keys of which something is left: what somebody held just then, which the next run takes, and what nobody can open. */
  readonly left: ReadonlySet<string>;
  /** Values whose key is not there, or that are not what was sealed. */
  readonly unreadable: number;
}

/** So few that whoever waits for one of them does not wait for long. */
const batchSize = 200;

type Row = Readonly<Record<string, string | Buffer>> & { readonly value: string | null };

/**
 * Seals everything anew that the first key has not sealed; may be broken off, repeated, and run on any number of replicas
 * at once. Nobody is kept waiting: each batch is a short transaction that passes over what others hold.
 */
export async function resealAll(
  ctx: Context,
  onProgress: (progress: ResealProgress) => void = () => {},
): Promise<ResealOutcome> {
  const left = new Set<string>();
  let [resealed, unreadable] = [0, 0];
  for (const place of sealedPlaces) {
    let after: Row | undefined;
    do {
      const page = await listPage(ctx.db, place, after);
      const [used] = ctx.config.secretKeys;
      const stale = page.filter(({ value }) => value !== null && !value.startsWith(`${used.id}.`));
      const done = stale.length > 0 ? await inTransaction(ctx, (tx) => resealRows(tx, place, stale)) : none;
      resealed += done.resealed;
      unreadable += done.unreadable;
      for (const id of done.left) left.add(id);
      if (done.resealed > 0) onProgress({ table: place.table, resealed });
      after = page.length < batchSize ? undefined : page.at(-1);
    } while (after);
  }
  return { resealed, left, unreadable };
}

const none = { resealed: 0, unreadable: 0, left: [] as readonly string[] };

/** By primary key, so that each statement is short however long the table is. */
async function listPage(db: Db, place: SealedPlace, after: Row | undefined): Promise<Row[]> {
  const keys = sql.join(place.key.map((column) => sql.ref(column)));
  const bound = after && sql.join(place.key.map((column) => after[column]));
  const { rows } = await sql<Row>`
    select ${keys}, ${valueOf(place)} as value from ${sql.table(place.table)}
    where ${isOf(place)} and ${bound ? sql`(${keys}) > (${bound})` : sql`true`}
    order by ${keys} limit ${batchSize}`.execute(db);
  return rows;
}

async function resealRows(
  tx: Tx,
  place: SealedPlace,
  stale: readonly Row[],
): Promise<{ resealed: number; unreadable: number; left: readonly string[] }> {
  const left: string[] = [];
  let [resealed, unreadable] = [0, 0];
  for (const { value, ...key } of stale) {
    const before = value ?? '';
    const after = sealAnew(tx, { sealed: before, place: place.place(key) });
    if (after !== undefined && (await isFree(tx, place, key))) {
      const update = place.update ?? updateIn(place);
      if (await update(tx, { key, before, after })) resealed += 1;
    } else {
      left.push(before.split('.', 1)[0] ?? '');
      if (after === undefined) unreadable += 1;
    }
  }
  return { resealed, unreadable, left };
}

function sealAnew(
  { config }: Tx,
  { sealed, place }: { readonly sealed: string; readonly place: string },
): string | undefined {
  try {
    return seal(config.secretKeys, open(config.secretKeys, sealed, place), place);
  } catch {
    return undefined;
  }
}

/** Locks the row; whoever holds it keeps it. A value that has changed or gone meanwhile is nobody's concern. */
async function isFree(tx: Tx, place: SealedPlace, key: Resealed['key']): Promise<boolean> {
  const { rows } = await sql`
    select 1 from ${sql.table(place.table)} where ${isRow(key)} for update skip locked`.execute(tx.db);
  return rows.length > 0;
}

/** Only what was read: another's value is newer. */
function updateIn(place: SealedPlace) {
  const { column, path } = place;
  return async (tx: Tx, { key, before, after }: Resealed): Promise<boolean> => {
    const value = path
      ? sql`jsonb_set(${sql.ref(column)}, ${[...path]}::text[], to_jsonb(${after}::text))`
      : sql`${after}`;
    const result = await sql`update ${sql.table(place.table)} set ${sql.ref(column)} = ${value}
      where ${isRow(key)} and ${valueOf(place)} = ${before}`.execute(tx.db);
    return result.numAffectedRows === 1n;
  };
}

function isRow(key: Resealed['key']) {
  const parts = Object.entries(key).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  return sql.join(parts, sql` and `);
}
