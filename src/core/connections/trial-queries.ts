import type { Tx } from '../../context.ts';
import type { ConnectionId } from '../../kernel/ids.ts';

export interface TrialRow {
  readonly tokenHash: Buffer;
  readonly connectionId: ConnectionId;
  readonly settingsHash: Buffer;
  readonly createdBy: string | null;
  readonly expiresAt: Date;
}

export async function insertTrial(tx: Tx, trial: TrialRow): Promise<void> {
  await tx.db
    .insertInto('connectionTests')
    .values({ ...trial, createdAt: tx.now() })
    .execute();
}

/** Of any number of callers one gets it. By connection_tests_pkey. */
export async function deleteTrial(
  tx: Tx,
  tokenHash: Buffer,
): Promise<Pick<TrialRow, 'connectionId' | 'settingsHash' | 'createdBy'> | undefined> {
  return tx.db
    .deleteFrom('connectionTests')
    .where('tokenHash', '=', tokenHash)
    .where('expiresAt', '>', tx.now())
    .returning(['connectionId', 'settingsHash', 'createdBy'])
    .executeTakeFirst();
}
