import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';
import type { UserState } from '../users/users.ts';
import type { ExternalKey, NewIdentity } from './identity.ts';

export interface Identity {
  readonly id: string;
  readonly userId: UserId;
  readonly accountId: AccountId;
  /** As last asserted. */
  readonly email: string | null;
  readonly name: string | null;
  readonly userState: UserState;
}

/** By identities_external_key. */
export async function findIdentity(db: Db, key: ExternalKey): Promise<Identity | undefined> {
  const row = await db
    .selectFrom('identities')
    .innerJoin('users', 'users.id', 'identities.userId')
    .select([
      'identities.id',
      'identities.userId',
      'identities.accountId',
      'identities.email',
      'identities.name',
      'users.state as userState',
    ])
    .where('identities.connectionId', '=', key.connectionId)
    .where('identities.issuer', '=', key.issuer)
    .where('identities.subject', '=', key.subject)
    .executeTakeFirst();
  return row as Identity | undefined;
}

export async function insertIdentity(
  tx: Tx,
  { proof, ...identity }: NewIdentity & { readonly id: string },
): Promise<void> {
  const now = tx.now();
  await tx.db
    .insertInto('identities')
    .values({ ...identity, proof: JSON.stringify(proof), createdAt: now, lastUsedAt: now })
    .execute();
}

/** What the identity provider says today. It selects nobody. */
export async function updateSnapshot(
  tx: Tx,
  id: string,
  { email, name }: { readonly email: string | null; readonly name: string | null },
): Promise<void> {
  await tx.db
    .updateTable('identities')
    .set({ email, name, lastUsedAt: tx.now() })
    .where('id', '=', id)
    .execute();
}

/** Answers how many there were. */
export async function deleteIdentitiesOf(tx: Tx, userId: UserId): Promise<number> {
  const result = await tx.db.deleteFrom('identities').where('userId', '=', userId).executeTakeFirst();
  return Number(result.numDeletedRows);
}
