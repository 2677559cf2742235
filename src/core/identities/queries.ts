import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { AccountId, ConnectionId, UserId } from '../../kernel/ids.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import type { UserState } from '../users/users.ts';
import type { ExternalKey, NewIdentity, NewSocialIdentity } from './identity.ts';
import type { SocialIdentity, SocialProvider } from './social.ts';

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

/** By identities_social_key; one that was unlinked is nobody's. */
export async function findSocialIdentity(
  db: Db,
  { provider, issuer, subject }: Pick<SocialIdentity, 'provider' | 'issuer' | 'subject'>,
): Promise<{ readonly id: string; readonly userId: UserId; readonly createdAt: Date } | undefined> {
  return db
    .selectFrom('identities')
    .select(['id', 'userId', 'createdAt'])
    .where('provider', '=', provider)
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .where('unlinkedAt', 'is', null)
    .executeTakeFirst();
}

/** How long an unlinked identity can be brought back, and is kept from everybody else. */
export const undoDays = 7;

/** False when either unique index says no; one that this user had unlinked is theirs again. */
export async function insertSocialIdentity(
  tx: Tx,
  { id, userId, identity, email, proof }: NewSocialIdentity & { readonly id: string },
): Promise<boolean> {
  const { provider, issuer, subject, name = null } = identity;
  const now = tx.now();
  // one of their own that they had unlinked gives way to the new link, and so does anybody's that cannot come back
  const gone = addSeconds(now, -undoDays * day);
  await tx.db
    .deleteFrom('identities')
    .where('provider', '=', provider)
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .where((where) =>
      where.or([
        where.and([where('userId', '=', userId), where('unlinkedAt', 'is not', null)]),
        where('unlinkedAt', '<=', gone),
      ]),
    )
    .execute();
  const result = await sql`
    insert into identities (id, user_id, provider, issuer, subject, email, name, proof, created_at, last_used_at)
    select ${id}, ${userId}, ${provider}, ${issuer}, ${subject}, ${email}, ${name}, ${JSON.stringify(proof)}::jsonb,
      ${now}, ${now}
    on conflict do nothing`.execute(tx.db);
  return result.numAffectedRows === 1n;
}

/** What the provider says today. It selects nobody. */
export async function touchIdentity(
  tx: Tx,
  { provider, issuer, subject, name }: SocialIdentity,
  email: string | null,
): Promise<void> {
  await tx.db
    .updateTable('identities')
    .set({ email, name: name ?? null, lastUsedAt: tx.now() })
    .where('provider', '=', provider)
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .execute();
}

/** A link as its owner has it. */
export interface OwnIdentity {
  readonly id: string;
  readonly provider: SocialProvider;
  readonly email: string | null;
  readonly name: string | null;
}

/** By identities_user_id_idx. */
export async function listOwnIdentities(db: Db, userId: UserId): Promise<OwnIdentity[]> {
  const rows = await db
    .selectFrom('identities')
    .select(['id', 'provider', 'email', 'name'])
    .where('userId', '=', userId)
    .where('provider', 'is not', null)
    .where('unlinkedAt', 'is', null)
    .orderBy('id')
    .execute();
  return rows as OwnIdentity[];
}

/** The connections by which a user has come. By identities_user_id_idx. */
export async function listLinkedConnections(db: Db, userId: UserId): Promise<ConnectionId[]> {
  const query = db.selectFrom('identities').select('connectionId').distinct().where('userId', '=', userId);
  const rows = await query.where('connectionId', 'is not', null).orderBy('connectionId').execute();
  return rows.flatMap(({ connectionId }) => connectionId ?? []);
}

/** The ways in that are a user's own, with the user locked: whoever takes one away at the same time waits. */
export async function lockWaysIn(
  tx: Tx,
  userId: UserId,
): Promise<{ readonly identities: readonly OwnIdentity[]; readonly hasPassword: boolean }> {
  await tx.db.selectFrom('users').select('id').where('id', '=', userId).forUpdate().execute();
  const password = tx.db.selectFrom('passwords').select('userId').where('userId', '=', userId);
  const hasPassword = (await password.executeTakeFirst()) !== undefined;
  return { identities: await listOwnIdentities(tx.db, userId), hasPassword };
}

export async function updateUnlinked(tx: Tx, id: string): Promise<void> {
  await tx.db.updateTable('identities').set({ unlinkedAt: tx.now() }).where('id', '=', id).execute();
}

/** The provider of what was brought back; undefined when there is nothing to, or another one has its place. */
export async function restoreUnlinked(
  tx: Tx,
  { userId, id, since }: { readonly userId: UserId; readonly id: string; readonly since: Date },
): Promise<SocialProvider | undefined> {
  const result = await sql<{ provider: SocialProvider }>`
    update identities i set unlinked_at = null
    where i.id = ${id} and i.user_id = ${userId} and i.unlinked_at > ${since} and not exists (
      select from identities o where o.user_id = i.user_id and o.provider = i.provider and o.unlinked_at is null)
    returning i.provider`.execute(tx.db);
  return result.rows[0]?.provider;
}

export async function deleteIdentity(tx: Tx, id: string): Promise<void> {
  await tx.db.deleteFrom('identities').where('id', '=', id).execute();
}

/** False when it was heard before. */
export async function insertHeard(
  tx: Tx,
  heard: { readonly provider: SocialProvider; readonly jtiHash: Buffer; readonly expiresAt: Date },
): Promise<boolean> {
  const result = await tx.db
    .insertInto('heardNotifications')
    .values(heard)
    .onConflict((conflict) => conflict.constraint('heard_notifications_pkey').doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}
