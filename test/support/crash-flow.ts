/** What people and clients do while replicas die under them, and who they are. */
import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { hashPassword, updatePassword } from '../../src/core/credentials/credentials.ts';
import { findProductBySlug } from '../../src/core/products/products.ts';
import { assignSeat } from '../../src/core/seats/seats.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { demoPassword } from '../../src/demo/world.ts';
import type { AccountId, ProductId } from '../../src/kernel/ids.ts';
import { demoParty } from '../provider/requests.ts';
import type { Answer } from './agent.ts';
import type { Fleet } from './fleet.ts';
import { type MadeUser, makeAccount, makeMember, makeUser } from './make.ts';
import type { RelyingParty } from './relying-party.ts';

export interface Attempt {
  /** Done under fire: goes on, or starts again, whatever happens; comes to its end, or throws. */
  walk(): Promise<void>;
  /** What must be true afterwards, however often somebody died. */
  check(t: Test): Promise<void>;
}

export interface Flow {
  readonly name: string;
  /** Arranges what comes before, in peace. */
  begin(world: World): Promise<Attempt>;
}

export interface World extends Pick<Fleet, 'ctx' | 'issuer'> {
  readonly assist: RelyingParty;
  readonly accountId: AccountId;
  readonly productId: ProductId;
  /** Somebody new with the demo's password and a seat on Assist. */
  person(): Promise<MadeUser>;
}

export async function openWorld({ ctx, issuer }: Fleet): Promise<World> {
  const accountId = await makeAccount(ctx);
  const product = await findProductBySlug(ctx.db, 'assist');
  if (!product) throw new Error('the world is incomplete');
  const productId = product.id;
  const subscription = { accountId, productId, seats: 100_000, startsAt: ctx.now() };
  await inTransaction(ctx, (tx) => createSubscription(tx, subscription));
  const hash = await hashPassword(ctx, demoPassword);
  const person = async (): Promise<MadeUser> => {
    const user = await makeUser(ctx, { password: null });
    await makeMember(ctx, user.id, accountId);
    await inTransaction(ctx, async (tx) => {
      await updatePassword(tx, user.id, hash);
      await assignSeat(tx, { accountId, productId, userId: user.id });
    });
    return user;
  };
  return { ctx, issuer, assist: demoParty(issuer, 'assist'), accountId, productId, person };
}

/** Asks again for as long as the replica that was asked is gone: what anybody does who gets no answer. */
export async function insist(ask: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask().catch(() => undefined);
    if (answer && ![502, 503].includes(answer.status)) return answer;
    if (tries === 20) throw new Error(`no answer: ${answer?.status ?? 'none'}`);
  }
}

/** Starts again from the beginning: what anybody does who cannot go on. */
export async function untilDone<Result>(walk: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await walk();
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}

export async function countRows(
  { ctx }: Pick<World, 'ctx'>,
  table: 'grants' | 'identities' | 'memberships' | 'passwordResets' | 'seats' | 'sessions',
  user: MadeUser,
): Promise<number> {
  const rows = await ctx.db.selectFrom(table).select('userId').where('userId', '=', user.id).execute();
  return rows.length;
}

export async function eventsOf({ ctx }: Pick<World, 'ctx'>, user: MadeUser, type: string): Promise<number> {
  const rows = await ctx.db
    .selectFrom('events')
    .select('id')
    .where('userId', '=', user.id)
    .where('type', '=', type)
    .execute();
  return rows.length;
}

export async function mailsOf({ ctx }: Pick<World, 'ctx'>, email: string, template: string): Promise<number> {
  const rows = await ctx.db
    .selectFrom('mailOutbox')
    .select('id')
    .where('recipient', '=', email)
    .where('template', '=', template)
    .execute();
  return rows.length;
}

export const newAddress = (): string => `crash-${randomBytes(6).toString('hex')}@example.test`;
