/** What can be taken back, each with a way to ask one replica whether it still counts there. */
import { type Context, inTransaction } from '../../src/context.ts';
import { removeClient, rotateClientSecret } from '../../src/core/clients/clients.ts';
import { disableConnection } from '../../src/core/connections/connections.ts';
import { listKeys, retireSigningKey, rotateSigningKeys } from '../../src/core/keys/keys.ts';
import { assignSeat, revokeSeat } from '../../src/core/seats/seats.ts';
import { endSessionsOfUser } from '../../src/core/sessions/sessions.ts';
import { deactivateUser } from '../../src/core/users/users.ts';
import {
  assistApi,
  basic,
  demoBasic,
  demoParty,
  introspect,
  post,
  refreshForm,
} from '../provider/requests.ts';
import { Agent } from './agent.ts';
import { makeClient, makeMember, makeUser } from './make.ts';
import { callbackParams, signIn, toStep } from './relying-party.ts';

export interface Revocation {
  readonly what: string;
  /** Whether the replica still honours it. Asks once; waits for as long as the replica stands still. */
  counts(origin: string): Promise<boolean>;
  /** By the database, or by a replica: this one. */
  revoke(origin: string): Promise<unknown>;
}

const form = { grant_type: 'client_credentials', resource: assistApi, scope: 'assist:read' };

/** One of each kind, all of them good. What a signing key has signed comes last: the others are asked by tokens, too. */
export async function makeRevocable(issuer: string, ctx: Context): Promise<Revocation[]> {
  const service = await tokenOf(issuer);
  const signed = await tokenOf(issuer);
  return [
    {
      what: 'a token is revoked',
      counts: async (origin) => (await introspect(origin, service))['active'] === true,
      revoke: (origin) => post(origin, '/revoke', { token: service }, demoBasic('service')),
    },
    ...(await ofPerson(issuer, ctx, {
      what: 'sessions are ended',
      end: (tx, { userId }) => endSessionsOfUser(tx, userId, 'ended'),
    })),
    ...(await ofPerson(issuer, ctx, {
      what: 'a person is switched off',
      end: (tx, { userId }) => deactivateUser(tx, userId),
    })),
    ...(await ofPerson(issuer, ctx, {
      what: 'a seat is taken back',
      end: (tx, seat) => revokeSeat(tx, seat),
    })),
    await ofClient(ctx, { what: 'a client is deleted', end: removeClient }),
    await ofClient(ctx, {
      what: 'a secret of a client is replaced',
      end: (tx, clientId) => rotateClientSecret(tx, clientId, { overlapSeconds: 0 }),
    }),
    await ofConnection(issuer, ctx),
    {
      what: 'a signing key is taken out',
      counts: async (origin) => (await introspect(origin, signed))['active'] === true,
      revoke: () => takeOutKey(ctx),
    },
  ];
}

async function tokenOf(origin: string): Promise<string> {
  return ((await post(origin, '/token', form, demoBasic('service'))).json() as { access_token: string })
    .access_token;
}

type Tx = Parameters<typeof deactivateUser>[0];
type Seat = Pick<Parameters<typeof assignSeat>[1], 'accountId' | 'productId' | 'userId'>;

interface PersonEnd {
  readonly what: string;
  readonly end: (tx: Tx, seat: Seat) => Promise<unknown>;
}

/** Somebody who is signed in, and has a refresh token. */
async function ofPerson(issuer: string, ctx: Context, { what, end }: PersonEnd): Promise<Revocation[]> {
  const { id: userId, email } = await makeUser(ctx);
  const idOf = (table: 'accounts' | 'products', slug: string) =>
    ctx.db.selectFrom(table).select('id').where('slug', '=', slug).executeTakeFirstOrThrow();
  const [account, product] = [await idOf('accounts', 'acme'), await idOf('products', 'assist')];
  const seat = { accountId: account.id, productId: product.id, userId } as Seat;
  await ctx.db
    .updateTable('subscriptions')
    .set({ seats: 100 })
    .where('productId', '=', seat.productId)
    .execute();
  await makeMember(ctx, userId, seat.accountId);
  await inTransaction(ctx, (tx) => assignSeat(tx, seat));
  const browser = new Agent(issuer);
  const { tokens } = await signIn(browser, demoParty(issuer, 'assist', 'openid offline_access'), email);
  const { tokens: bound } = await signIn(browser, demoParty(issuer, 'assist', 'openid'), email).catch(() => ({
    tokens,
  }));
  const { url } = await demoParty(issuer, 'assist').start({ prompt: 'none' });
  let revoked = false;
  const revoke = async (): Promise<void> => {
    if (!revoked) await inTransaction(ctx, (tx) => end(tx, seat));
    revoked = true;
  };
  return [
    {
      what: `${what}: sign-in without a question`,
      counts: async (origin) =>
        callbackParams(await browser.get(`${origin}${url.pathname}${url.search}`)).has('code'),
      revoke,
    },
    {
      what: `${what}: refresh`,
      // rotated each time it counts: only the first answer is of interest
      counts: async (origin) =>
        (await post(origin, '/token', refreshForm(bound.refresh_token))).status === 200,
      revoke,
    },
  ];
}

async function ofClient(
  ctx: Context,
  { what, end }: { readonly what: string; readonly end: (tx: Tx, clientId: string) => Promise<unknown> },
): Promise<Revocation> {
  const clientId = `service-${what.replaceAll(/\W/g, '-')}`;
  const secret = 'a secret of a service that is long enough';
  await makeClient(ctx, {
    ...{ clientId, name: 'Service', firstParty: true, applicationType: 'web', secret },
    ...{ authMethod: 'client_secret_basic', grantTypes: ['client_credentials'], resources: [assistApi] },
    scopes: ['assist:read'],
  });
  return {
    what,
    counts: async (origin) => (await post(origin, '/token', form, basic(clientId, secret))).status === 200,
    revoke: () => inTransaction(ctx, (tx) => end(tx, clientId)),
  };
}

async function ofConnection(issuer: string, ctx: Context): Promise<Revocation> {
  const email = 'gina@globex.test';
  const row = await ctx.db
    .selectFrom('connections as c')
    .innerJoin('accounts as a', 'a.id', 'c.accountId')
    .select(['c.id as connectionId', 'c.accountId'])
    .where('a.slug', '=', 'globex')
    .where('c.state', 'in', ['enabled', 'required'])
    .executeTakeFirstOrThrow();
  const browser = new Agent(issuer);
  const step = await toStep(browser, (await demoParty(issuer, 'assist').start()).url);
  const { actions } = step.json() as { actions: Record<string, { href: string }> };
  const path = new URL(actions['company']?.href ?? '', issuer).pathname;
  return {
    what: 'a connection is switched off',
    counts: async (origin) => {
      const answer = await browser.post(`${origin}${path}`, { json: { email } });
      return answer.status === 200 && typeof (answer.json() as { location?: unknown }).location === 'string';
    },
    revoke: () => inTransaction(ctx, (tx) => disableConnection(tx, row)),
  };
}

async function takeOutKey(ctx: Context): Promise<void> {
  const keys = await listKeys(ctx.db, ctx.now());
  const kid = keys.find(({ alg, state }) => alg === 'ES256' && state === 'current')?.kid ?? '';
  await rotateSigningKeys(ctx, { alg: 'ES256', now: true });
  await inTransaction(ctx, (tx) => retireSigningKey(tx, kid));
}
