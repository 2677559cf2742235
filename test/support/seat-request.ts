/** People who have no seat and ask for one, and the admins who are mailed about it. */
import type { Context } from '../../src/context.ts';
import { inTransaction } from '../../src/context.ts';
import { grantSeatRequest, listSeatRequests, refuseSeatRequest } from '../../src/core/seats/seats.ts';
import { findProductBySlug } from '../../src/core/products/products.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import type { AccountId, ProductId } from '../../src/kernel/ids.ts';
import { demoParty } from '../provider/requests.ts';
import { Agent, type Answer } from './agent.ts';
import type { TestApp } from './app.ts';
import type { Mail, Mailbox } from './mailbox.ts';
import { type MadeUser, makeAccount, makeMember, makeUser } from './make.ts';
import { submitPassword, toStep } from './relying-party.ts';

export interface SeatlessAccount {
  readonly accountId: AccountId;
  readonly productId: ProductId;
  readonly admins: readonly [MadeUser, MadeUser];
  /** Has no seat. */
  readonly person: MadeUser;
}

/** An account that has bought so many seats on the demo's Assist, and given out none. */
export async function makeSeatless(ctx: Context, seats = 5): Promise<SeatlessAccount> {
  const accountId = await makeAccount(ctx);
  const product = await findProductBySlug(ctx.db, 'assist');
  if (!product) throw new Error('the world is incomplete');
  const productId = product.id;
  await inTransaction(ctx, (tx) =>
    createSubscription(tx, { accountId, productId, seats, startsAt: ctx.now() }),
  );
  const admins = [await makeUser(ctx), await makeUser(ctx)] as const;
  for (const { id } of admins) await makeMember(ctx, id, accountId, 'admin');
  const person = await makeUser(ctx);
  await makeMember(ctx, person.id, accountId);
  return { accountId, productId, admins, person };
}

/** Signs in to Assist, is denied, and presses the button there; the answer is the same step. */
export async function askForSeat(issuer: string, email: string): Promise<Answer> {
  const browser = new Agent(issuer);
  const step = await toStep(browser, (await demoParty(issuer, 'assist').start()).url);
  const denied = await submitPassword(browser, step, email);
  const { actions } = denied.json() as { actions?: Record<string, { href: string }> };
  const action = actions?.['request_seat'];
  if (!action) throw new Error(`no seat can be asked for: ${denied.text}`);
  return browser.post(action.href);
}

/** What stands behind the link of a mail. */
export function seatToken(mail: Mail | undefined): string {
  const token = /\/seat-requests\/open\?token=([\w-]+)/.exec(mail?.text ?? '')?.[1];
  if (token === undefined) throw new Error('no link was mailed');
  return token;
}

export interface Asked extends SeatlessAccount {
  /** One for each admin, in their order. */
  readonly tokens: readonly [string, string];
}

/** Makes such an account, in which the person has asked and the admins have their mails. */
export async function makeAsked(
  { ctx, issuer }: Pick<TestApp, 'ctx' | 'issuer'>,
  mailbox: Mailbox,
  seats?: number,
): Promise<Asked> {
  const account = await makeSeatless(ctx, seats);
  await askForSeat(issuer, account.person.email);
  const mails = await mailbox.drain();
  const tokenOf = ({ email }: MadeUser): string => seatToken(mails.find(({ to }) => to.includes(email)));
  const [first, second] = account.admins;
  return { ...account, tokens: [tokenOf(first), tokenOf(second)] };
}

/** Makes everything happen that can become of a request. */
export async function driveSeatRequests({ ctx, issuer }: Pick<TestApp, 'ctx' | 'issuer'>): Promise<void> {
  for (const decide of [grantSeatRequest, refuseSeatRequest]) {
    const { accountId, person } = await makeSeatless(ctx);
    await askForSeat(issuer, person.email);
    for (const { id } of await listSeatRequests(ctx.db, { accountId, limit: 1 }))
      await inTransaction(ctx, (tx) => decide(tx, { accountId, id }));
  }
}
