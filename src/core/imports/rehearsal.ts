/**
 * A dry run: each row is done as it would be and rolled back, so that no lock and no change outlives it. What the rows
 * before would have changed, as far as a later one can run into it, is remembered here and done again in front of it.
 */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { parseEmail } from '../../kernel/email-address.ts';
import { newId, type AccountId, type ProductId, type UserId } from '../../kernel/ids.ts';
import { createMembership } from '../memberships/memberships.ts';
import { releaseSeats } from '../seats/seats.ts';
import { createUser } from '../users/users.ts';
import { type Applied, applyRow, type Destination } from './apply-row.ts';
import type { ImportedUser } from './parse-row.ts';
import { updateSeatsBy, updateToAgents } from './queries.ts';

export interface Rehearsal {
  /** Seats that are gone by now. */
  readonly taken: Map<ProductId, number>;
  /** For whom a seat was kept that they have by now; bounded by what is kept. */
  readonly came: Map<ProductId, UserId[]>;
  /** Admins who are none by now; bounded by the admins there are. */
  readonly lowered: UserId[];
  /** There is an admin by now who was none before. */
  raised: boolean;
}

export function newRehearsal(): Rehearsal {
  return { taken: new Map(), came: new Map(), lowered: [], raised: false };
}

const undone = new Error('a dry run is rolled back');

/** Answers what applying the row would, after all rows before it; nothing is written. */
export async function rehearseRow(
  ctx: Context,
  rehearsal: Rehearsal,
  { destination, user }: { readonly destination: Destination; readonly user: ImportedUser },
): Promise<Applied> {
  let applied: Applied | undefined;
  await inTransaction(ctx, async (tx) => {
    await setTheScene(tx, rehearsal, { accountId: destination.accountId, user });
    applied = await applyRow(tx, destination, user);
    throw undone;
  }).catch((error: unknown) => {
    if (error !== undone) throw error;
  });
  if (!applied) throw new Error('a dry run ended without an answer');
  remember(rehearsal, applied);
  return applied;
}

interface Scene {
  readonly accountId: AccountId;
  readonly user: ImportedUser;
}

async function setTheScene(tx: Tx, rehearsal: Rehearsal, { accountId, user }: Scene): Promise<void> {
  const { taken, came, lowered, raised } = rehearsal;
  for (const productId of user.products) {
    const fewer = taken.get(productId) ?? 0;
    if (fewer > 0) await updateSeatsBy(tx, { accountId, productId, fewer });
    for (const userId of came.get(productId) ?? []) await releaseSeats(tx, { accountId, userId, productId });
  }
  // only whoever makes an admin an agent asks how many there are
  if (user.role !== 'agent') return;
  if (lowered.length > 0) await updateToAgents(tx, { accountId, userIds: lowered });
  if (raised) await addAdmin(tx, accountId);
}

async function addAdmin(tx: Tx, accountId: AccountId): Promise<void> {
  const email = parseEmail(`${newId('usr', tx.now())}@rehearsal.invalid`);
  if (!email) throw new Error('not an email address');
  const userId = await createUser(tx, { email, state: 'active' });
  await createMembership(tx, { accountId, userId, role: 'admin' });
}

function remember(rehearsal: Rehearsal, applied: Applied): void {
  const { seats, standing, becomes, outcome } = applied;
  for (const productId of seats) {
    rehearsal.taken.set(productId, (rehearsal.taken.get(productId) ?? 0) + 1);
    if (standing?.kept.includes(productId))
      rehearsal.came.set(productId, [...(rehearsal.came.get(productId) ?? []), standing.userId]);
  }
  const isActive = outcome === 'created' || (standing?.state === 'active' && !standing.deactivatedAt);
  if (becomes === 'admin' && isActive) rehearsal.raised = true;
  if (becomes === 'agent' && standing?.role === 'admin') rehearsal.lowered.push(standing.userId);
}
