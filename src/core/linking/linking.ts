/**
 * Linking: how an identity that a person brings themself comes to a user. Never by the address alone: by the user's own
 * sign-in, or by a code from the mailbox where nobody had proven it before.
 */
import type { Context, Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { parseEmail } from '../../kernel/email-address.ts';
import type { UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import { findHome } from '../connections/connections.ts';
import { deletePassword } from '../credentials/credentials.ts';
import {
  deleteIdentitiesOf,
  findSocialIdentity,
  type SocialIdentity,
  touchIdentity,
} from '../identities/identities.ts';
import { endSessionsOfUser } from '../sessions/sessions.ts';
import { activateUser, createUser, findUserByEmail, findUserEmail, verifyEmail } from '../users/users.ts';
import { decideLink, type LinkDecision } from './decide.ts';
import { type Linking, linkPending, type PendingIdentity } from './link-pending.ts';

export { decideLink, type LinkDecision, type LinkFacts } from './decide.ts';
export {
  type Linking,
  linkPending,
  pendingOf,
  type PendingIdentity,
  type SocialProof,
} from './link-pending.ts';
export { issueLinkTicket, type LinkTicket, openLinkTicket, type OwnLink } from './link-ticket.ts';
export { hearProvider } from './notifications.ts';
export {
  assertFreshByThemself,
  linkOwnIdentity,
  removeIdentity,
  restoreIdentity,
  unlinkIdentity,
} from './unlink.ts';

/** Loads what the decision rests on, and decides. The same statements whoever has the address, if anybody has. */
export async function findLinkDecision(
  ctx: Context,
  { identity, email, emailProven }: PendingIdentity,
): Promise<LinkDecision> {
  const { db, config } = ctx;
  const known = await findSocialIdentity(db, identity);
  const user = email && (await findUserByEmail(db, email));
  const home = email && (await findHome(db, email));
  return decideLink({
    known: known && { userId: known.userId, requiresCompany: await requiresCompany(db, known.userId) },
    email,
    emailTrust: identity.emailTrust,
    emailProven,
    requiresCompany: home?.requiredBy !== undefined,
    user: user && { id: user.id, state: user.state, isEmailProven: user.emailVerifiedAt !== null },
    isSignUpOpen: config.signUp === 'open',
  });
}

/** A social identity is no way past the company, not even for who breaks the glass. */
async function requiresCompany(db: Db, userId: UserId): Promise<boolean> {
  const email = await findUserEmail(db, userId);
  return email !== undefined && (await findHome(db, email)).requiredBy !== undefined;
}

/** Notes that an identity was used, and what its provider says today. A changed address moves nothing. */
export async function noteUse(tx: Tx, identity: SocialIdentity): Promise<void> {
  await touchIdentity(tx, identity, parseEmail(identity.email) ?? null);
}

/**
 * Takes a user whose mailbox nobody had proven, for the person who just has: whatever was made under the address before
 * is gone (pre-hijacking), the identity is theirs, and somebody invited is active. Memberships stay.
 */
export async function claimUser(
  tx: Tx,
  userId: UserId,
  { pending, proof }: Pick<Linking, 'pending' | 'proof'>,
): Promise<void> {
  await wipeUnproven(tx, userId);
  const isNew = await activateUser(tx, { id: userId, name: pending.identity.name });
  if (isNew) await recordEvent(tx, { type: 'user.activated', actorId: userId, userId });
  else await verifyEmail(tx, userId);
  await linkPending(tx, { userId, pending, proof });
}

/** Makes a user of somebody unknown, where sign-up is open: without an account, which the access decision says. */
export async function createFromIdentity(tx: Tx, pending: PendingIdentity): Promise<UserId> {
  const { identity, email } = pending;
  if (email === undefined) throw new Error('a user needs an address');
  const name = identity.name ?? null;
  const userId = await createUser(tx, { email, name, state: 'active', emailVerifiedAt: tx.now() });
  await recordEvent(tx, { type: 'user.created', userId, details: { provider: identity.provider } });
  await linkPending(tx, { userId, pending, proof: { method: 'created' } });
  return userId;
}

/** What somebody may have left behind who typed an address that was not theirs (pre-hijacking): nothing of it survives. */
export async function wipeUnproven(tx: Tx, userId: UserId): Promise<void> {
  await deletePassword(tx, userId);
  await deleteIdentitiesOf(tx, userId);
  await endSessionsOfUser(tx, userId, 'mailbox_proven');
}
