import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { ConnectionId } from '../../kernel/ids.ts';

export const keyUses = ['signing', 'encryption'] as const;
export type KeyUse = (typeof keyUses)[number];

/** `next` is published beside `current`, so that an identity provider knows it before it is used. */
export type KeyState = 'current' | 'next';

export interface KeyPlace {
  readonly connectionId: ConnectionId;
  readonly use: KeyUse;
  readonly state: KeyState;
}

export interface ConnectionKey extends KeyPlace {
  readonly id: string;
  /** PEM */
  readonly certificate: string;
  readonly notAfter: Date;
  /** Opened by `openConnectionKey`. */
  readonly privateKeySealed: string;
}

const columns = [
  'id',
  'connectionId',
  'use',
  'state',
  'certificate',
  'expiresAt as notAfter',
  'privateKeySealed',
] as const;

/** Those of one connection, the current one of a use before the next. By connection_keys_state_key. */
export async function listConnectionKeys(db: Db, connectionId: ConnectionId): Promise<ConnectionKey[]> {
  const query = db.selectFrom('connectionKeys').select(columns).where('connectionId', '=', connectionId);
  return (await query.orderBy('use').orderBy('state').execute()) as ConnectionKey[];
}

/** False when the connection has a key for this use and state. */
export async function insertConnectionKey(tx: Tx, { notAfter, ...key }: ConnectionKey): Promise<boolean> {
  const result = await tx.db
    .insertInto('connectionKeys')
    .values({ ...key, expiresAt: notAfter, createdAt: tx.now() })
    .onConflict((conflict) => conflict.constraint('connection_keys_state_key').doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** By connection_keys_state_key. */
export async function deleteConnectionKey(tx: Tx, { connectionId, use, state }: KeyPlace): Promise<void> {
  await tx.db
    .deleteFrom('connectionKeys')
    .where('connectionId', '=', connectionId)
    .where('use', '=', use)
    .where('state', '=', state)
    .execute();
}

/** False when there is no next. By connection_keys_state_key. */
export async function updateNextKey(
  tx: Tx,
  { connectionId, use }: Omit<KeyPlace, 'state'>,
): Promise<boolean> {
  const result = await tx.db
    .updateTable('connectionKeys')
    .set({ state: 'current' })
    .where('connectionId', '=', connectionId)
    .where('use', '=', use)
    .where('state', '=', 'next')
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
