/** What protocol tests send by hand: a client's own requests, which carry no Origin and follow nothing. */
import type { Test } from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import { assignSeat } from '../../src/core/seats/seats.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { demoUserId, makeClient } from '../support/make.ts';
import { callbackParams, demoClient, RelyingParty, signIn, type Started } from '../support/relying-party.ts';

export const assistApi = 'https://api.assist.test';
export const meetApi = 'https://api.meet.test';

export type Form = Readonly<Record<string, string>> | URLSearchParams;

export function post(
  issuer: string,
  path: string,
  form: Form,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return new Agent(issuer).send(path, { method: 'POST', form, headers });
}

/** RFC 6749 §2.3.1 */
export function basic(clientId: string, secret: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` };
}

/** How a demo client with a secret authenticates. */
export function demoBasic(name: string): { authorization: string } {
  return basic(`demo-${name}`, `demo-${name}-secret`);
}

export function demoParty(issuer: string, name: string, scope?: string): RelyingParty {
  return new RelyingParty(issuer, { ...demoClient(issuer, name), ...(scope !== undefined && { scope }) });
}

export function userinfo(issuer: string, accessToken: string): Promise<Answer> {
  return new Agent(issuer).get('/userinfo', { headers: { authorization: `Bearer ${accessToken}` } });
}

/** Whether a token is active, in the eyes of a client with a secret. */
export async function introspect(
  issuer: string,
  token: string,
  authentication: Readonly<Record<string, string>> = demoBasic('confidential'),
) {
  const answer = await post(issuer, '/introspect', { token }, authentication);
  return answer.json() as Record<string, unknown>;
}

export interface Coded {
  readonly started: Started;
  readonly code: string;
  /** What the client sends to redeem the code; a public client needs nothing else. */
  readonly form: Readonly<Record<string, string>>;
}

/** A code that was not redeemed yet, from a browser that is signed in; Alan's when none is given. */
export async function obtainCode(
  party: RelyingParty,
  { browser, extra = {} }: { browser?: Agent; extra?: Readonly<Record<string, string>> } = {},
): Promise<Coded> {
  const { issuer, client } = party;
  const agent = browser ?? new Agent(issuer);
  if (!browser) await signIn(agent, demoParty(issuer, 'assist'), 'alan@acme.test');
  const started = await party.start(extra);
  const code = callbackParams(await agent.follow(started.url.href)).get('code');
  if (code === null) throw new Error('there was no code');
  const form = {
    grant_type: 'authorization_code',
    client_id: client.clientId,
    code,
    code_verifier: started.codeVerifier,
    redirect_uri: client.redirectUri,
  };
  return { started, code, form };
}

/** What a public client sends to refresh. */
export function refreshForm(refreshToken: string | undefined, clientId = 'demo-assist') {
  return { grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken ?? '' };
}

/** Signs the browser out as a person does: asks, and presses the button. */
export async function signOut(t: Test, browser: Agent, idToken: string): Promise<Answer> {
  const page = await browser.get(`/logout?${new URLSearchParams({ id_token_hint: idToken }).toString()}`);
  t.equal(page.status, 200, 'the sign-out is a page');
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  return browser.post('/logout/confirm', { form: { xsrf, logout: 'yes' } });
}

/** Takes the seat of a person on a product away, and gives it back. */
export async function seatOf(ctx: Context, email: string, productSlug: string) {
  const userId = await demoUserId(ctx, email);
  const product = await ctx.db
    .selectFrom('products')
    .select('id')
    .where('slug', '=', productSlug)
    .executeTakeFirstOrThrow();
  const { accountId } = await ctx.db
    .selectFrom('seats')
    .select('accountId')
    .where('userId', '=', userId)
    .where('productId', '=', product.id)
    .executeTakeFirstOrThrow();
  const seat = { accountId, userId, productId: product.id };
  const remove = (): Promise<unknown> =>
    ctx.db
      .deleteFrom('seats')
      .where('accountId', '=', accountId)
      .where('userId', '=', userId)
      .where('productId', '=', product.id)
      .execute();
  const assign = async (dates: { startsAt?: Date; endsAt?: Date }): Promise<void> => {
    await remove();
    await inTransaction(ctx, (tx) => assignSeat(tx, { ...seat, ...dates }));
  };
  return {
    remove,
    /** Dates its end, which may lie in the past. */
    end: (endsAt: Date) => assign({ startsAt: new Date(endsAt.getTime() - 86_400_000), endsAt }),
    giveBack: () => assign({}),
  };
}

/** How often an event of a type is on the audit trail. */
export async function countEvents(ctx: Context, type: string): Promise<number> {
  const rows = await ctx.db.selectFrom('events').select('id').where('type', '=', type).execute();
  return rows.length;
}

/** A client that gets tokens for itself, to read from the interface of Assist. */
export function makeService(
  ctx: Context,
  { clientId, secret }: { readonly clientId: string; readonly secret: string },
): Promise<void> {
  return makeClient(ctx, {
    clientId,
    name: clientId,
    secret,
    firstParty: true,
    applicationType: 'web',
    authMethod: 'client_secret_basic',
    grantTypes: ['client_credentials'],
    resources: [assistApi],
    scopes: ['assist:read'],
  });
}
