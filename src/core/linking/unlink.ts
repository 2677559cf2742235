/** How a link ends, and how one is made by somebody who is signed in. Each needs a fresh sign-in, and each can be undone. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import type { UserId } from '../../kernel/ids.ts';
import { addSeconds, day, minute } from '../../kernel/time.ts';
import { recordEvent } from '../audit/audit.ts';
import { findDoors } from '../connections/connections.ts';
import type { Evidence } from '../credentials/credentials.ts';
import {
  lockWaysIn,
  type OwnIdentity,
  providerNames,
  restoreUnlinked,
  type SocialIdentity,
  undoDays,
  updateUnlinked,
} from '../identities/identities.ts';
import { enqueueMail } from '../outbox/outbox.ts';
import { endSessionsOfProvider } from '../sessions/sessions.ts';
import { findUserEmail } from '../users/users.ts';
import { linkPending, pendingOf } from './link-pending.ts';

/** A sign-in counts as fresh for so long. */
const freshSeconds = 5 * minute;

export interface OwnChange {
  readonly userId: UserId;
  /** Of the session that asks. */
  readonly evidence: readonly Evidence[];
  readonly identityId: string;
}

/**
 * Takes an identity from its user: after a fresh sign-in, never their last way in, with an event and a mail. Failures
 * `fresh_sign_in_required`, `not_found`, `last_way_in`.
 */
export async function unlinkIdentity(
  ctx: Context,
  { userId, evidence, identityId }: OwnChange,
): Promise<void> {
  assertFresh(ctx, evidence);
  await inTransaction(ctx, async (tx) => {
    // locked, so that two who take away two ways at once do not leave none
    const { identities, hasPassword } = await lockWaysIn(tx, userId);
    const identity = identities.find(({ id }) => id === identityId);
    if (!identity) throw new Failure('not_found');
    const email = await findUserEmail(tx.db, userId);
    const doors = email && (await findDoors(tx.db, { email, userId }));
    const hasCompany = (doors?.home.connections.length ?? 0) > 0;
    if (identities.length === 1 && !hasPassword && !hasCompany) throw new Failure('last_way_in');
    await endLink(tx, { userId, identity, actorId: userId });
  });
}

/** The same by an operator, who answers for it: whatever ways are left. */
export async function removeIdentity(
  tx: Tx,
  { userId, identityId }: Pick<OwnChange, 'userId' | 'identityId'>,
): Promise<void> {
  const { identities } = await lockWaysIn(tx, userId);
  const identity = identities.find(({ id }) => id === identityId);
  if (!identity) throw new Failure('not_found');
  await endLink(tx, { userId, identity, actorId: undefined });
}

interface Ending {
  readonly userId: UserId;
  readonly identity: OwnIdentity;
  readonly actorId: UserId | undefined;
}

async function endLink(tx: Tx, { userId, identity, actorId }: Ending): Promise<void> {
  const { id, provider, email, name } = identity;
  await updateUnlinked(tx, id);
  const details = { identity_id: id, provider };
  await recordEvent(tx, { type: 'identity.unlinked', actorId, userId, details });
  await endSessionsOfProvider(tx, { provider, userId });
  const recipient = await findUserEmail(tx.db, userId);
  if (recipient === undefined) return;
  const data = { provider: providerNames[provider], external: email ?? name ?? '', days: undoDays };
  await enqueueMail(tx, { template: 'social_identity_unlinked', recipient, locale: 'en', data });
}

/** Brings back what was unlinked, within seven days. Failures `fresh_sign_in_required`, `not_found`, `identity_taken`. */
export async function restoreIdentity(
  ctx: Context,
  { userId, evidence, identityId }: OwnChange,
): Promise<void> {
  assertFreshByThemself(ctx, evidence);
  await inTransaction(ctx, async (tx) => {
    const since = addSeconds(tx.now(), -undoDays * day);
    const provider = await restoreUnlinked(tx, { userId, id: identityId, since });
    if (!provider) throw new Failure('not_found');
    const details = { identity_id: identityId, provider, method: 'restored' };
    await recordEvent(tx, { type: 'identity.linked', actorId: userId, userId, details });
  });
}

/** Links what somebody who is signed in has brought. Failures `fresh_sign_in_required`, `identity_taken`. */
export async function linkOwnIdentity(
  ctx: Context,
  { userId, evidence, identity }: Omit<OwnChange, 'identityId'> & { readonly identity: SocialIdentity },
): Promise<void> {
  assertFreshByThemself(ctx, evidence);
  const proof = { method: 'sign_in', evidence: evidence.map(({ method }) => method) } as const;
  await inTransaction(ctx, (tx) => linkPending(tx, { userId, pending: pendingOf(identity), proof }));
}

/**
 * For what becomes a way into all accounts of a person. A company's word counts for its own account alone (ADR 8): whoever
 * runs its identity provider could give themself a way into the others by it. Failure `fresh_sign_in_required`.
 */
export function assertFreshByThemself(ctx: Context, evidence: readonly Evidence[]): void {
  const own = evidence.filter(({ method }) => method !== 'fed');
  if (own.length === 0 && evidence.length > 0)
    throw new Failure('fresh_sign_in_required', {
      detail:
        'The sign-in of a company does not count for this. Whoever has no other way sets a password by mail',
    });
  assertFresh(ctx, own);
}

/** Failure `fresh_sign_in_required` when the last sign-in was longer ago than five minutes. */
function assertFresh(ctx: Context, evidence: readonly Evidence[]): void {
  const since = addSeconds(ctx.now(), -freshSeconds);
  if (!evidence.some(({ at }) => new Date(at) > since)) throw new Failure('fresh_sign_in_required');
}
