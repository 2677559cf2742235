/** How an invitation is accepted: by the first password of somebody new, or by the password of somebody who is here. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import { hashToken } from '../../kernel/tokens.ts';
import { recordEvent } from '../audit/audit.ts';
import { findDoors } from '../connections/connections.ts';
import { hashPassword, judgePassword, provePassword, updatePassword } from '../credentials/credentials.ts';
import { findSocialIdentity, type SocialIdentity } from '../identities/identities.ts';
import { claimUser, pendingOf } from '../linking/linking.ts';
import { createMembership, isMember } from '../memberships/memberships.ts';
import { ensureSeat } from '../seats/seats.ts';
import { activateUser } from '../users/users.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';
import {
  consumeInvitation,
  consumePending,
  findAccepted,
  findOpen,
  type InvitationRow,
  listInvitedProducts,
  type OpenInvitation,
} from './queries.ts';

export interface ShownInvitation extends OpenInvitation {
  /** Names. */
  readonly products: readonly string[];
}

/** The invitation that a token stands for, while it can be accepted. Consumes nothing. */
export async function findInvitation(ctx: Context, token: string): Promise<ShownInvitation | undefined> {
  const invitation = await findOpen(ctx.db, hashToken(token), ctx.now());
  if (!invitation) return undefined;
  const products = await listInvitedProducts(ctx.db, invitation.id);
  return { ...invitation, products: products.map(({ name }) => name) };
}

/** Who accepted with this token, and where they go on. */
export function findAcceptedInvitation(ctx: Context, token: string) {
  return findAccepted(ctx.db, hashToken(token));
}

export interface Acceptance {
  readonly token: string;
  readonly name?: string | undefined;
  readonly password: string;
}

/**
 * Accepts: once, on any number of replicas. Somebody new becomes active with this password; whoever is here already must
 * prove it, since the link alone only proves the mailbox. Membership and seats are made in the same transaction. Failures
 * `link_expired`, `password_refused`, `invalid_credentials` and `sso_required` (nothing is consumed), `throttled`,
 * `overloaded`.
 */
export async function acceptInvitation(
  ctx: Context,
  { token, name, password }: Acceptance,
): Promise<{ readonly email: EmailAddress; readonly clientId: string | null }> {
  const invitation = await findInvitation(ctx, token);
  // before any hashing: only who has a live link can make the processor work
  if (!invitation) throw new Failure('link_expired');
  const { email, clientId, userId } = invitation;
  // their company's sign-in accepts it instead: see core/provisioning
  if ((await findDoors(ctx.db, { email, userId })).companyOnly) throw new Failure('sso_required');
  const hash =
    invitation.state === 'invited' ? await newHash(ctx, invitation, { name, password }) : undefined;
  if (hash === undefined) await proveExisting(ctx, email, password);
  await inTransaction(ctx, (tx) => join(tx, { token, name, hash }));
  return { email, clientId };
}

async function newHash(
  ctx: Context,
  { email, account, products, name: knownName }: ShownInvitation,
  { name, password }: Pick<Acceptance, 'name' | 'password'>,
): Promise<string> {
  const words = [email, account, ...products, name ?? knownName ?? ''].filter((word) => word !== '');
  const problem = await judgePassword(password, { words });
  if (problem) throw new Failure('password_refused', { fields: { password: problem } });
  return hashPassword(ctx, password);
}

async function proveExisting(ctx: Context, email: EmailAddress, password: string): Promise<void> {
  const { proof, retryAfter } = await provePassword(ctx, { email, password });
  if (retryAfter !== undefined) throw new Failure('throttled', { retryAfter });
  if (!proof) throw new Failure('invalid_credentials');
}

interface Joining {
  readonly token: string;
  readonly name: string | undefined;
  /** Of somebody new; whoever is here has proven theirs. */
  readonly hash: string | undefined;
}

async function join(tx: Tx, { token, name, hash }: Joining): Promise<void> {
  const invitation = await consumeInvitation(tx, hashToken(token));
  if (!invitation) throw new Failure('link_expired');
  if (hash !== undefined) await activate(tx, invitation, { name, hash });
  await enterAccount(tx, invitation);
}

/**
 * Accepts by a verified social identity, once. The link has proven the mailbox: somebody new is linked and active, if the
 * identity is for the same address; whoever is here already must have it linked before. Failures `link_expired`,
 * `sso_required`, `identity_taken`, `identity_other_email`, `link_mismatch`, and those of a seat; nothing is consumed then.
 */
export async function acceptInvitationByIdentity(
  ctx: Context,
  { token, identity }: { readonly token: string; readonly identity: SocialIdentity },
): Promise<{ readonly email: EmailAddress; readonly clientId: string | null }> {
  const invitation = await findInvitation(ctx, token);
  if (!invitation) throw new Failure('link_expired');
  const { id, userId, email, clientId } = invitation;
  if ((await findDoors(ctx.db, { email, userId })).companyOnly) throw new Failure('sso_required');
  const known = await findSocialIdentity(ctx.db, identity);
  if (known && known.userId !== userId) throw new Failure('identity_taken');
  const pending = { ...pendingOf(identity), emailProven: true };
  if (!known && invitation.state !== 'invited') throw new Failure('link_mismatch');
  if (!known && pending.email !== email) throw new Failure('identity_other_email');
  const proof = { method: 'invitation', invitation_id: id } as const;
  await inTransaction(ctx, async (tx) => {
    const consumed = await consumeInvitation(tx, hashToken(token));
    if (!consumed) throw new Failure('link_expired');
    if (!known) await claimUser(tx, userId, { pending, proof });
    await enterAccount(tx, consumed);
  });
  return { email, clientId };
}

/**
 * Accepts what is pending for a user in an account, if anything is: for somebody whom the account's own identity provider
 * has vouched for. True when there was one. Failures as those of a seat.
 */
export async function acceptPendingInvitation(
  tx: Tx,
  of: { readonly accountId: AccountId; readonly userId: UserId },
): Promise<boolean> {
  const invitation = await consumePending(tx, of);
  if (invitation) await enterAccount(tx, invitation);
  return invitation !== undefined;
}

/** Membership and seats of an invitation that has just been consumed. */
async function enterAccount(tx: Tx, { id, accountId, userId, role, clientId }: InvitationRow): Promise<void> {
  if (!(await isMember(tx, { accountId, userId }))) await createMembership(tx, { accountId, userId, role });
  for (const { id: productId } of await listInvitedProducts(tx.db, id))
    await ensureSeat(tx, { accountId, productId, userId });
  await recordEvent(tx, {
    type: 'invitation.accepted',
    actorId: userId,
    userId,
    accountId,
    clientId: clientId ?? undefined,
    details: { invitation_id: id, role },
  });
}

async function activate(
  tx: Tx,
  { accountId, userId }: InvitationRow,
  { name, hash }: { name: string | undefined; hash: string },
): Promise<void> {
  // whoever was activated by another invitation meanwhile has a password by now, and it is not this one
  if (!(await activateUser(tx, { id: userId, name }))) throw new Failure('link_expired');
  await updatePassword(tx, userId, hash);
  await recordEvent(tx, { type: 'user.activated', actorId: userId, userId, accountId });
}
