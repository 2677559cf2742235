/** The table of all places that hold something sealed. One that is not in it would be lost with the key that sealed it. */
import { type RawBuilder, sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { DB } from '../../db/schema.ts';
import { updateResealedSecret } from '../connections/connections.ts';

type Key = Readonly<Record<string, string | Buffer>>;

/** A value as it was, and sealed anew. */
export interface Resealed {
  readonly key: Key;
  readonly before: string;
  readonly after: string;
}

export interface SealedPlace {
  readonly table: keyof DB;
  readonly column: string;
  /** Where it stands in a column of JSON. */
  readonly path?: readonly string[];
  /** The primary key, in the order of its index. */
  readonly key: readonly string[];
  /** What the value is bound to: see seal. */
  readonly place: (key: Key) => string;
  /** Of a table that holds other things, too, a beginning of the key. */
  readonly only?: { readonly column: string; readonly value: string };
  /** With a lost key, rows of no use go: whoever is under way begins again. Of the others only the value is lost. */
  readonly whenLost: 'delete' | 'keep';
  /** Where more hangs on the value than the value itself; false when it is another one meanwhile. */
  readonly update?: (tx: Tx, resealed: Resealed) => Promise<boolean>;
}

const text = (value: string | Buffer | undefined): string =>
  Buffer.isBuffer(value) ? value.toString('base64url') : (value ?? '');

/** Bound to `<table>/<its key>`, as most are. */
const byKey = (table: string, column: string) => (key: Key) => `${table}/${text(key[column])}`;

export const sealedPlaces: readonly SealedPlace[] = [
  {
    ...{ table: 'signingKeys', column: 'privateKeySealed', key: ['kid'] },
    whenLost: 'keep',
    place: byKey('signing_keys', 'kid'),
  },
  {
    ...{ table: 'connections', column: 'secretSealed', key: ['id'] },
    whenLost: 'keep',
    place: byKey('connections', 'id'),
    update: (tx, { key, before, after }) =>
      updateResealedSecret(tx, { id: text(key['id']), before, secretSealed: after }),
  },
  {
    ...{ table: 'connectionKeys', column: 'privateKeySealed', key: ['id'] },
    whenLost: 'keep',
    place: byKey('connection_keys', 'id'),
  },
  {
    ...{ table: 'mailOutbox', column: 'secretsSealed', key: ['id'] },
    whenLost: 'keep',
    place: byKey('mail_outbox', 'id'),
  },
  {
    ...{ table: 'passwordResetRequests', column: 'emailSealed', key: ['id'] },
    whenLost: 'keep',
    place: byKey('password_reset_requests', 'id'),
  },
  {
    ...{ table: 'idempotencyKeys', column: 'answerSealed', key: ['caller', 'key'] },
    whenLost: 'delete',
    place: (key) => `idempotency_keys/${text(key['caller'])}/${text(key['key'])}`,
  },
  {
    ...{ table: 'departures', column: 'sealed', key: ['idHash'] },
    whenLost: 'delete',
    place: byKey('departures', 'idHash'),
  },
  {
    ...{ table: 'arrivals', column: 'sealed', key: ['handleHash'] },
    whenLost: 'delete',
    place: byKey('arrivals', 'handleHash'),
  },
  {
    ...{ table: 'socialDepartures', column: 'sealed', key: ['idHash'] },
    whenLost: 'delete',
    place: byKey('social_departures', 'idHash'),
  },
  {
    ...{ table: 'socialDepartures', column: 'answerSealed', key: ['idHash'] },
    whenLost: 'delete',
    place: (key) => `social_departures/${text(key['idHash'])}/answer`,
  },
  {
    ...{ table: 'artifacts', column: 'payload', path: ['request'], key: ['model', 'idHash'] },
    whenLost: 'delete',
    only: { column: 'model', value: 'PushedAuthorizationRequest' },
    place: (key) => `${text(key['model'])}:${text(key['idHash'])}`,
  },
  {
    ...{ table: 'interactions', column: 'payload', path: ['parJti'], key: ['idHash'] },
    whenLost: 'delete',
    place: (key) => `interactions/Interaction:${text(key['idHash'])}`,
  },
  {
    ...{ table: 'sessions', column: 'payload', path: ['state', 'secret'], key: ['uid'] },
    whenLost: 'keep',
    place: byKey('sessions', 'uid'),
  },
];

/** The sealed value of a row as SQL; null where there is none. */
export function valueOf({ column, path }: SealedPlace): RawBuilder<string | null> {
  return path ? sql`${sql.ref(column)} #>> ${[...path]}::text[]` : sql.ref(column);
}

export function isOf({ only }: SealedPlace): RawBuilder<boolean> {
  return only ? sql`${sql.ref(only.column)} = ${only.value}` : sql`true`;
}

/** How many values each key has sealed here. Reads the whole table. */
async function countByKey(db: Db, place: SealedPlace): Promise<ReadonlyMap<string, number>> {
  const value = valueOf(place);
  const { rows } = await sql<{ keyId: string; count: number }>`
    select split_part(${value}, '.', 1) as key_id, count(*) as count from ${sql.table(place.table)}
    where ${value} is not null and ${isOf(place)} group by 1`.execute(db);
  return new Map(rows.map(({ keyId, count }) => [keyId, count]));
}

/** How many values each key has sealed anywhere. Reads whole tables: for a command, and once at the first start. */
export async function countSealed(db: Db): Promise<ReadonlyMap<string, number>> {
  const totals = new Map<string, number>();
  for (const place of sealedPlaces)
    for (const [id, count] of await countByKey(db, place)) totals.set(id, (totals.get(id) ?? 0) + count);
  return totals;
}

export async function listSealers(db: Db): Promise<string[]> {
  return [...(await countSealed(db)).keys()].sort();
}
