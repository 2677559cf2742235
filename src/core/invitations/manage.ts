/** Invitations as the admins of an account see them: always with the account, another one's is not there. */
import { type SelectQueryBuilder, sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { DB } from '../../db/schema.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId, ProductId, UserId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import type { Role } from '../memberships/memberships.ts';

export type InvitationState = 'pending' | 'accepted' | 'revoked' | 'expired';

export interface InvitationRef {
  readonly accountId: AccountId;
  readonly id: string;
}

export interface Invitation extends InvitationRef {
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly role: Role;
  readonly state: InvitationState;
  readonly inviter: string | null;
  readonly clientId: string | null;
  readonly products: readonly { readonly id: ProductId; readonly slug: string }[];
  readonly createdAt: Date;
  readonly sentAt: Date;
  readonly expiresAt: Date;
  readonly closedAt: Date | null;
}

export interface InvitationFilter extends Window {
  readonly accountId: AccountId;
  readonly state?: InvitationState | undefined;
  readonly now: Date;
}

const products = sql<Invitation['products']>`coalesce((
  select jsonb_agg(jsonb_build_object('id', p.id, 'slug', p.slug) order by p.slug)
  from invitation_products ip join products p on p.id = ip.product_id where ip.invitation_id = invitations.id), '[]')`;

/** Expired follows from the clock: a pending one whose time is over. */
function stateAt(now: Date) {
  return sql<InvitationState>`case when state = 'pending' and expires_at <= ${now}::timestamptz then 'expired' else state end`;
}

function selectInvitations(
  db: Db,
  { accountId, now }: { readonly accountId: AccountId; readonly now: Date },
): SelectQueryBuilder<
  DB,
  'invitations',
  Omit<Invitation, 'role' | 'email'> & { role: string; email: string }
> {
  return db
    .selectFrom('invitations')
    .select(['id', 'accountId', 'userId', 'email', 'role', 'inviter', 'clientId'])
    .select(['createdAt', 'sentAt', 'expiresAt', 'closedAt'])
    .select([stateAt(now).as('state'), products.as('products')])
    .where('accountId', '=', accountId);
}

/** Newest first, by invitations_account_id_key. */
export async function listInvitations(
  db: Db,
  { state, after, limit, ...of }: InvitationFilter,
): Promise<Invitation[]> {
  let query = selectInvitations(db, of).orderBy('id', 'desc').limit(limit);
  if (state !== undefined) query = query.where(stateAt(of.now), '=', state);
  if (after !== undefined) query = query.where('id', '<', after);
  return (await query.execute()) as Invitation[];
}

/** Failure `not_found`. */
export async function getInvitation(
  db: Db,
  { accountId, id }: InvitationRef,
  now: Date,
): Promise<Invitation> {
  const query = selectInvitations(db, { accountId, now }).where('id', '=', id);
  const invitation = (await query.executeTakeFirst()) as Invitation | undefined;
  if (!invitation) throw new Failure('not_found');
  return invitation;
}

/** The same, held until the transaction ends. */
export async function getLockedInvitation(tx: Tx, { accountId, id }: InvitationRef): Promise<Invitation> {
  const query = selectInvitations(tx.db, { accountId, now: tx.now() }).where('id', '=', id).forUpdate();
  const invitation = (await query.executeTakeFirst()) as Invitation | undefined;
  if (!invitation) throw new Failure('not_found');
  return invitation;
}
