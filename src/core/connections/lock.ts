import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { type Connection, type ConnectionRef, lockConnection } from './queries.ts';

/** The connection, held until the transaction ends: of changes that meet, each sees what the one before has done. */
export async function getLockedConnection(tx: Tx, ref: ConnectionRef): Promise<Connection> {
  const connection = await lockConnection(tx, ref);
  if (!connection) throw new Failure('not_found');
  return connection;
}
