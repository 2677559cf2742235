/** What a process remembers follows what another one changes, whether or not it hears of it. */
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { deleteClient } from '../../src/core/clients/clients.ts';
import { listKeys, retireSigningKey, rotateSigningKeys } from '../../src/core/keys/keys.ts';
import { createClientCache, maxEntries } from '../../src/provider/client-cache.ts';
import { assistApi, basic, demoParty, makeService, post } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { makeCompany } from '../support/company-account.ts';
import { createDatabase } from '../support/database.ts';
import { type DeafProxy, startDeafProxy } from '../support/deaf-proxy.ts';
import { until } from '../support/reliability.ts';
import { toStep } from '../support/relying-party.ts';
import { overhearStatements } from '../support/statements.ts';

/** A machine that is busy with other tests may take so long to do what takes no time. */
const slackMs = 1500;

interface Pair {
  /** Where things are changed. */
  readonly one: TestApp;
  /** Where it must be noticed. */
  readonly other: TestApp;
  readonly wire: DeafProxy;
}

async function startPair(t: Test): Promise<Pair> {
  const databaseUrl = await createDatabase(t);
  const wire = await startDeafProxy(t, databaseUrl);
  const one = await startApp(t, { databaseUrl });
  const env = { ISSUER: one.issuer };
  return { one, other: await startApp(t, { databaseUrl: wire.databaseUrl, env }), wire };
}

interface Remembered {
  readonly what: string;
  /** Makes the change at one, and answers whether the other knows of it. */
  change(pair: Pair): Promise<() => Promise<boolean>>;
}

const secret = 'the-secret-of-a-service';

async function getToken({ origin }: TestApp, clientId: string): Promise<number> {
  const form = { grant_type: 'client_credentials', resource: assistApi, scope: 'assist:read' };
  return (await post(origin, '/token', form, basic(clientId, secret))).status;
}

let services = 0;

const remembered: readonly Remembered[] = [
  {
    what: 'a client that is deleted',
    async change({ one, other }) {
      const id = `service-${(services += 1)}`;
      await makeService(one.ctx, { clientId: id, secret });
      await until(async () => (await getToken(other, id)) === 200, { what: 'the other knows it' });
      await inTransaction(one.ctx, (tx) => deleteClient(tx, id));
      return async () => (await getToken(other, id)) === 401;
    },
  },
  {
    what: 'a client that was not there before',
    async change({ one, other }) {
      const id = `service-${(services += 1)}`;
      if ((await getToken(other, id)) !== 401) throw new Error('it is there');
      await makeService(one.ctx, { clientId: id, secret });
      return async () => (await getToken(other, id)) === 200;
    },
  },
  {
    what: 'a signing key that is taken out',
    async change({ one: { ctx }, other: { origin } }) {
      const keys = await listKeys(ctx.db, ctx.now());
      const old = keys.find(({ alg, state }) => alg === 'ES256' && state === 'current')?.kid ?? '';
      await rotateSigningKeys(ctx, { alg: 'ES256', now: true });
      await inTransaction(ctx, (tx) => retireSigningKey(tx, old));
      return async () => !(await (await fetch(`${origin}/jwks`)).text()).includes(old);
    },
  },
  {
    what: 'a connection that is disabled',
    async change({ one, other }) {
      const domain = `company-${(services += 1)}.test`;
      const { connectionId } = await makeCompany(one, { domain });
      /** A sign-in that begins at one and leaves for the company from the other. */
      const leave = async (): Promise<boolean> => {
        const browser = new Agent(one.issuer);
        const step = await toStep(browser, (await demoParty(one.issuer, 'assist').start()).url);
        const { actions } = step.json() as { actions: { company: { href: string } } };
        const elsewhere = new Agent(other.origin);
        elsewhere.cookies = browser.cookies;
        const email = `pat@${domain}`;
        const left = await elsewhere.post(actions.company.href, {
          json: { email },
          headers: { origin: one.issuer },
        });
        return left.status === 200 && (left.json() as { step?: string }).step !== 'identify';
      };
      if (!(await leave())) throw new Error('it is no way in');
      await one.ctx.db
        .updateTable('connections')
        .set({ state: 'disabled' })
        .where('id', '=', connectionId)
        .execute();
      return async () => !(await leave());
    },
  },
];

/** How long the other takes at most to notice, by what has become of its notifications. */
const bounds: readonly (readonly [string, number, (pair: Pair) => Promise<void>])[] = [
  ['is told', 1000, () => Promise.resolve()],
  [
    'has just lost the connection by which it is told',
    2000,
    async ({ wire, other: { lines } }) => {
      const before = lines.length;
      wire.cut();
      const isLost = () => lines.slice(before).some((line) => line.includes('lost the notifications'));
      await until(isLost, { what: 'it is noticed' });
    },
  ],
  [
    'is told nothing, and does not know it',
    5000,
    async ({ wire }) => {
      wire.mute();
      return Promise.resolve();
    },
  ],
];

for (const [how, boundMs, arrange] of bounds) {
  t.test(`a replica that ${how}`, async (t) => {
    const pair = await startPair(t);
    await arrange(pair);
    for (const { what, change } of remembered) {
      const isNoticed = await change(pair);
      const tookMs = await until(isNoticed, { what: `${what} is noticed` });
      t.ok(tookMs <= boundMs + slackMs, `${what}: noticed after ${Math.round(tookMs)} ms`);
    }
  });
}

t.test('what was read while nobody listened is forgotten when somebody listens again', async (t) => {
  const pair = await startPair(t);
  const { wire, other, one } = pair;
  wire.cut();
  await makeService(one.ctx, { clientId: 'between', secret });
  await until(async () => (await getToken(other, 'between')) === 200, { what: 'the other knows it' });
  wire.restore();
  const isBack = () => other.lines.some((line) => line.includes('notifications arrive again'));
  await until(isBack, { what: 'it listens again' });
  await inTransaction(one.ctx, (tx) => deleteClient(tx, 'between'));
  const tookMs = await until(async () => (await getToken(other, 'between')) === 401, { what: 'it is told' });
  t.ok(tookMs <= 1000 + slackMs, `told after ${Math.round(tookMs)} ms`);
});

t.test('requests that come together for a client ask the database once', async (t) => {
  const { databaseUrl, take } = await overhearStatements(t, await createDatabase(t));
  const app = await startApp(t, { databaseUrl });
  await makeService(app.ctx, { clientId: 'asked-for', secret });
  await app.ctx.db.selectFrom('clients').select('clientId').execute();
  take();
  const statuses = await Promise.all(Array.from({ length: 50 }, () => getToken(app, 'asked-for')));
  t.ok(statuses.every((status) => status === 200));
  t.equal(take().filter((text) => text.includes('from "clients"')).length, 1);
});

t.test('names that nobody has do not fill the memory', async (t) => {
  const { ctx } = await startApp(t, { demo: false });
  const cache = createClientCache(ctx, () => true);
  for (let index = 0; index < maxEntries + 500; index += 500)
    await Promise.all(Array.from({ length: 500 }, (_, more) => cache.find(`nobody-${index + more}`)));
  t.equal(cache.size(), maxEntries);
  t.equal(await cache.find('x'.repeat(101)), undefined);
  t.equal(cache.size(), maxEntries, 'and what can be no name is not even remembered');
});
