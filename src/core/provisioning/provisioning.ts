/**
 * From identity to user: whose sign-in it is that a connection has verified. Known identities reach their user and
 * nobody else; the first one of a person is linked only where the account has proven the domain of the address, and
 * makes the user where the connection may. Decided and written in one transaction.
 */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { type EmailAddress, parseEmail } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import { type AccountId, newCaseId, type ProductId, type UserId } from '../../kernel/ids.ts';
import { getAccountName } from '../accounts/accounts.ts';
import { noteProgress, type Refusal, refuseAttempt } from '../attempts/attempts.ts';
import { recordEvent } from '../audit/audit.ts';
import {
  type Connection,
  type ExternalIdentity,
  type MappedIdentity,
  mapIdentity,
  passTest,
  rolesAndProducts,
} from '../connections/connections.ts';
import { findIdentity, type Identity, linkIdentity, updateSnapshot } from '../identities/identities.ts';
import { acceptPendingInvitation } from '../invitations/invitations.ts';
import { wipeUnproven } from '../linking/linking.ts';
import { createMembership, findMembership, followRole } from '../memberships/memberships.ts';
import { enqueueMail } from '../outbox/outbox.ts';
import { ensureSeat } from '../seats/seats.ts';
import { endSessionsOfUser } from '../sessions/sessions.ts';
import { activateUser, createUser, findUserByEmail, type UserSummary, verifyEmail } from '../users/users.ts';
import { judgeAssertedEmail } from './asserted-email.ts';
import { decideMatch, isUnproven } from './decide.ts';

export { type Arrival, foreseeArrival, type Foreseen } from './foresee.ts';

/** A verified identity, with the connection it came by and the attempt it belongs to. */
export interface Arrived {
  readonly connection: Connection;
  readonly identity: ExternalIdentity;
  readonly attemptId: string;
}

/** The user, or why there is none. Of two first sign-ins at once of one person, both are the same user. */
export async function resolveCompanyIdentity(
  ctx: Context,
  arrived: Arrived,
): Promise<{ readonly userId: UserId } | Refusal> {
  const resolve = (): Promise<{ readonly userId: UserId } | Refusal> =>
    inTransaction(ctx, (tx) => resolveOnce(tx, arrived));
  return resolve().catch((error: unknown) => {
    // another tab or replica was first: what it has made is found this time
    if ((error as { code?: string }).code !== '23505') throw error;
    return resolve();
  });
}

async function resolveOnce(tx: Tx, arrived: Arrived): Promise<{ readonly userId: UserId } | Refusal> {
  const { connection, identity, attemptId } = arrived;
  const mapped = mapIdentity(connection.mapping, identity);
  const stage = 'match' as const;
  const { aboveCeiling } = rolesAndProducts(connection.mapping, mapped.groups);
  const claims = {
    ...mapped,
    subject: identity.subject,
    ...(aboveCeiling.length > 0 && { above_ceiling: aboveCeiling }),
  };
  await noteProgress(tx, attemptId, { stage, claims });
  const { issuer, subject } = identity;
  const known = await findIdentity(tx.db, { connectionId: connection.id, issuer, subject });
  if (known) return welcomeBack(tx, { ...arrived, mapped }, known);
  const asserted = await judgeAssertedEmail(tx.db, connection, mapped);
  if ('refused' in asserted) return asserted;
  const newcomer: Newcomer = { ...arrived, ...asserted, mapped };
  return match(tx, newcomer, await findUserByEmail(tx.db, asserted.email));
}

interface Newcomer extends Arrived {
  readonly mapped: MappedIdentity;
  readonly email: EmailAddress;
  readonly domainId: string;
}

/** A changed address is noted and moves nothing: the identity stays its user's, and the user keeps their address. */
async function welcomeBack(
  tx: Tx,
  { connection, mapped }: Arrived & { readonly mapped: MappedIdentity },
  known: Identity,
): Promise<{ readonly userId: UserId }> {
  const { userId } = known;
  const { id: connectionId, accountId } = connection;
  const email = parseEmail(mapped.email) ?? null;
  await updateSnapshot(tx, known.id, { email, name: mapped.name ?? null });
  if (known.email !== null && email !== null && known.email !== email) {
    const details = { identity_id: known.id, connection_id: connectionId };
    await recordEvent(tx, { type: 'identity.email_changed', userId, accountId, details });
  }
  const membership = await findMembership(tx.db, { accountId, userId });
  // who is switched off comes back to what they had
  if (membership && !membership.deactivatedAt) await followGroups(tx, connection, { userId, mapped });
  return { userId };
}

/** Somebody with this address is here, or nobody; what becomes of it `decideMatch` says. */
async function match(
  tx: Tx,
  newcomer: Newcomer,
  user: UserSummary | undefined,
): Promise<{ readonly userId: UserId } | Refusal> {
  const { accountId, mapping } = newcomer.connection;
  const { provisioning } = mapping;
  if (!user) {
    const decision = decideMatch({ user, belongs: false, isSwitchedOff: false, provisioning });
    return typeof decision === 'object' ? decision : makeUser(tx, newcomer);
  }
  const userId = user.id;
  const membership = await findMembership(tx.db, { accountId, userId });
  const belongs =
    membership !== undefined ||
    (isUnproven(user) && (await acceptPendingInvitation(tx, { accountId, userId })));
  const isSwitchedOff = Boolean(membership?.deactivatedAt);
  const decision = decideMatch({ user, belongs, isSwitchedOff, provisioning });
  if (typeof decision === 'object') return decision;
  if (decision === 'claim') await claim(tx, newcomer, { user, belongs });
  if (decision === 'link') await linkMember(tx, newcomer, user);
  return { userId };
}

/** An address that nobody had proven: whatever was made under it is gone, and it is this person's. */
async function claim(
  tx: Tx,
  newcomer: Newcomer,
  { user, belongs }: { readonly user: UserSummary; readonly belongs: boolean },
): Promise<void> {
  const userId = user.id;
  await wipeUnproven(tx, userId);
  if (user.state === 'invited') await activate(tx, newcomer, userId);
  else await verifyEmail(tx, userId);
  await link(tx, newcomer, userId);
  await (belongs
    ? followGroups(tx, newcomer.connection, { userId, mapped: newcomer.mapped })
    : join(tx, newcomer, userId));
}

async function linkMember(tx: Tx, newcomer: Newcomer, user: UserSummary): Promise<void> {
  const userId = user.id;
  await link(tx, newcomer, userId);
  // whoever was in with this address before the company vouched for anybody
  await endSessionsOfUser(tx, userId, 'identity_linked');
  await tellLinked(tx, newcomer, user);
  await followGroups(tx, newcomer.connection, { userId, mapped: newcomer.mapped });
}

async function activate(tx: Tx, { connection, mapped }: Newcomer, userId: UserId): Promise<void> {
  await activateUser(tx, { id: userId, name: mapped.name });
  await recordEvent(tx, {
    type: 'user.activated',
    actorId: userId,
    userId,
    accountId: connection.accountId,
  });
}

async function makeUser(tx: Tx, newcomer: Newcomer): Promise<{ readonly userId: UserId }> {
  const { connection, email, mapped } = newcomer;
  const name = mapped.name ?? null;
  const userId = await createUser(tx, { email, name, state: 'active', emailVerifiedAt: tx.now() });
  const details = { connection_id: connection.id };
  await recordEvent(tx, { type: 'user.created', userId, accountId: connection.accountId, details });
  await link(tx, newcomer, userId);
  await join(tx, newcomer, userId);
  return { userId };
}

async function link(tx: Tx, newcomer: Newcomer, userId: UserId): Promise<void> {
  const { connection, identity, email, mapped, domainId, attemptId } = newcomer;
  await linkIdentity(tx, {
    userId,
    accountId: connection.accountId,
    connectionId: connection.id,
    issuer: identity.issuer,
    subject: identity.subject,
    email,
    name: mapped.name ?? null,
    proof: { method: 'proven_domain', domainId, attemptId },
  });
}

/** Into the account, with the role and the seats of the mapping. */
async function join(tx: Tx, { connection, mapped }: Newcomer, userId: UserId): Promise<void> {
  const { accountId, mapping, id } = connection;
  const { role = 'agent', products } = rolesAndProducts(mapping, mapped.groups);
  await createMembership(tx, { accountId, userId, role });
  const details = { role, connection_id: id };
  await recordEvent(tx, { type: 'membership.created', userId, accountId, details });
  await takeSeats(tx, { accountId, userId, products });
}

interface Member {
  readonly userId: UserId;
  readonly mapped: MappedIdentity;
}

/**
 * Role and seats as the groups of today say; nothing, when the identity provider did not say which groups. The seats
 * that everybody gets are taken once, on coming in: what an admin takes back must not return by signing in again.
 */
async function followGroups(tx: Tx, connection: Connection, { userId, mapped }: Member): Promise<void> {
  const { mapping, accountId } = connection;
  const { role, products } = rolesAndProducts({ ...mapping, everybodysProducts: [] }, mapped.groups);
  const lowers = mapping.mode === 'authoritative';
  if (role !== undefined) await followRole(tx, { accountId, userId, role, lowers });
  await takeSeats(tx, { accountId, userId, products });
}

interface Seats {
  readonly accountId: AccountId;
  readonly userId: UserId;
  readonly products: readonly ProductId[];
}

/** Where no seat is left the person comes in all the same; the access decision says `no_seat`, and who can help. */
async function takeSeats(tx: Tx, { accountId, userId, products }: Seats): Promise<void> {
  // in one order everywhere: each of them locks a subscription
  for (const productId of [...products].sort()) {
    await ensureSeat(tx, { accountId, productId, userId }).catch((error: unknown) => {
      const isFull =
        error instanceof Failure && (error.code === 'no_free_seat' || error.code === 'not_found');
      if (!isFull) throw error;
    });
  }
}

async function tellLinked(tx: Tx, { connection, email }: Newcomer, { locale }: UserSummary): Promise<void> {
  const data = { account: await getAccountName(tx.db, connection.accountId) };
  await enqueueMail(tx, { template: 'identity_linked', recipient: email, locale: locale ?? 'en', data });
}

/**
 * A test: the same rules as for a sign-in, and nothing is made of it but the pass, for exactly the settings that it was
 * tried with. Nothing is said of whether the person is a user.
 */
export async function tryIdentity(ctx: Context, { connection, identity, attemptId }: Arrived): Promise<void> {
  const mapped = mapIdentity(connection.mapping, identity);
  const claims = { ...mapped, subject: identity.subject };
  const { id: connectionId, settingsHash } = connection;
  await inTransaction(ctx, async (tx) => {
    const asserted = await judgeAssertedEmail(tx.db, connection, mapped);
    if ('refused' in asserted) {
      const refused = { attemptId, connectionId, stage: 'match', refusal: asserted } as const;
      return refuseAttempt(tx, { ...refused, caseId: newCaseId(), claims });
    }
    await noteProgress(tx, attemptId, { stage: 'done', outcome: 'passed', claims });
    await passTest(tx, { connectionId, settingsHash });
  });
}
