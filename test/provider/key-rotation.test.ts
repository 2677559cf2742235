/** Signing keys follow one another: nobody who verifies is ever behind, and what was taken out counts nowhere at once. */
import { decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import t from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import {
  type KeyDescription,
  listKeys,
  retireSigningKey,
  rotateSigningKeys,
} from '../../src/core/keys/keys.ts';
import { day } from '../../src/kernel/time.ts';
import { Agent } from '../support/agent.ts';
import { operatorApi } from '../support/api.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { doorward } from '../support/command.ts';
import { holdKeys } from '../support/key-holder.ts';
import { makeClient } from '../support/make.ts';
import { RelyingParty, sha256, signIn } from '../support/relying-party.ts';
import {
  assistApi,
  countEvents,
  demoBasic,
  demoParty,
  introspect,
  obtainCode,
  post,
  userinfo,
} from './requests.ts';

const maxAge = 300;

async function serviceToken(issuer: string): Promise<string> {
  const form = { grant_type: 'client_credentials', resource: assistApi, scope: 'assist:read' };
  const answer = await post(issuer, '/token', form, demoBasic('service'));
  return (answer.json() as { access_token: string }).access_token;
}

function keysOf({ ctx }: Pick<TestApp, 'ctx'>, alg = 'ES256'): Promise<KeyDescription[]> {
  return listKeys(ctx.db, ctx.now()).then((keys) => keys.filter((key) => key.alg === alg));
}

async function kidOf(app: TestApp, state: string): Promise<string> {
  return (await keysOf(app)).find((key) => key.state === state)?.kid ?? '';
}

/** A change is heard of without being asked for, within a moment. */
async function until(isSo: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + 1000;
  while (Date.now() < deadline) if (await isSo()) return true;
  return false;
}

async function publishedKids(issuer: string): Promise<(string | undefined)[]> {
  const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as JSONWebKeySet;
  return keys.map(({ kid }) => kid);
}

function retire(ctx: Context, kid: string): Promise<void> {
  return inTransaction(ctx, (tx) => retireSigningKey(tx, kid));
}

t.test('whoever keeps the keys verifies every token through twenty rotations', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  await makeClient(ctx, {
    clientId: 'with-rsa',
    name: 'With RSA',
    firstParty: true,
    applicationType: 'web',
    authMethod: 'none',
    grantTypes: ['authorization_code'],
    redirectUris: ['http://127.0.0.1:54321/rsa'],
    idTokenSignedResponseAlg: 'RS256',
  });
  const rsa = new RelyingParty(issuer, {
    clientId: 'with-rsa',
    redirectUri: 'http://127.0.0.1:54321/rsa',
    metadata: { id_token_signed_response_alg: 'RS256' },
  });
  const holders = [maxAge, day].map((seconds) => holdKeys(issuer, { seconds, now: ctx.now }));
  const seen = new Set<string>();
  const verify = async (token: string | undefined): Promise<void> => {
    for (const holder of holders) seen.add(await holder.verify(token ?? ''));
  };
  await verify(await serviceToken(issuer));

  for (let rotation = 0; rotation < 20; rotation += 1) {
    // RSA keys take a second to make: every fifth time will do
    const both = rotation % 5 === 0;
    await rotateSigningKeys(ctx, { alg: both ? undefined : 'ES256' });
    for (const seconds of [0, maxAge - 1, 2, 11 * 3600, day - 11 * 3600 - maxAge - 6, 10, maxAge]) {
      app.advance(seconds);
      await verify(await serviceToken(issuer));
    }
    if (both) await verify((await signIn(new Agent(issuer), rsa, 'alan@acme.test')).tokens.id_token);
  }

  t.equal(seen.size, 1 + 20 + 4, 'each key has signed, but for the first of RS256');
  const sets = holders.flatMap(({ fetched }) => fetched);
  t.ok(sets.length > 60);
  for (const { keys } of sets) {
    t.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length, 'no name is given twice');
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) t.notOk(keys.some((key) => member in key));
  }
  const [newest] = await keysOf(app);
  t.same([newest?.state, newest?.retireAt], ['current', null]);
  t.ok((await keysOf(app)).length <= 10, 'what has died is published no more');
});

t.test('the keys are rotated at once', async (t) => {
  const app = await startApp(t);
  const other = await startApp(t, { databaseUrl: app.databaseUrl, demo: false });
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist', 'openid profile assist:read');
  const browser = new Agent(issuer);
  const { tokens } = await signIn(browser, assist, 'alan@acme.test', { resource: assistApi });
  const before = await kidOf(app, 'current');
  t.equal(decodeProtectedHeader(tokens.access_token).kid, before);

  const [made] = await rotateSigningKeys(ctx, { alg: 'ES256', now: true });
  t.match(made, { alg: 'ES256', state: 'current' });
  t.equal((await keysOf(app, 'RS256')).length, 1, 'of the other algorithm nothing has changed');
  for (const replica of [app, other])
    t.ok(await until(async () => (await publishedKids(replica.issuer))[0] === made?.kid), 'on each replica');
  t.equal(decodeProtectedHeader(await serviceToken(issuer)).kid, made?.kid);
  t.match(await introspect(issuer, tokens.access_token), { active: true }, 'the old one verifies');

  await t.test('and what a key that is taken out has signed is refused everywhere', async (t) => {
    const old = await kidOf(app, 'retired');
    t.equal(old, before);
    await retire(ctx, old);
    t.ok(await until(async () => (await introspect(issuer, tokens.access_token))['active'] === false));
    t.ok(await until(async () => !(await publishedKids(other.issuer)).includes(old)), 'on each replica');
    t.equal((await userinfo(issuer, tokens.access_token)).status, 401);
    const hint = new URLSearchParams({ id_token_hint: tokens.id_token ?? '' });
    t.equal((await browser.get(`/logout?${hint.toString()}`)).status, 400, 'as a hint to sign out, too');
    t.match(await introspect(issuer, await serviceToken(issuer)), { active: true });
  });

  await t.test('as are tokens for our own interface', async (t) => {
    const operator = await operatorApi(app);
    t.equal((await operator.get('/accounts')).status, 200);
    const kid = await kidOf(app, 'current');
    await rotateSigningKeys(ctx, { alg: 'ES256', now: true });
    t.equal((await operator.get('/accounts')).status, 200);
    await retire(ctx, kid);
    t.ok(await until(async () => (await operator.get('/accounts')).status === 401));
  });
});

t.test('a machine that was suspended looks for the keys before it answers', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const old = await kidOf(app, 'current');
  const token = await serviceToken(issuer);
  const [made] = await rotateSigningKeys(ctx, { alg: 'ES256', now: true });
  t.ok(await until(async () => (await publishedKids(issuer))[0] === made?.kid));
  t.match(await introspect(issuer, token), { active: true });

  // taken out, and nobody hears of it; then the machine's clock is ahead by a night, and ours is as it was
  await ctx.db.updateTable('signingKeys').set({ retireAt: ctx.now() }).where('kid', '=', old).execute();
  const [realNow, night] = [Date.now, day / 2];
  t.teardown(() => (Date.now = realNow));
  Date.now = () => realNow() + night * 1000;
  app.advance(-night);
  t.match(await introspect(issuer, token), { active: false });
  t.match(await introspect(issuer, await serviceToken(issuer)), { active: true }, 'and it goes on');
});

t.test('a machine that was suspended forgets the clients that it knew', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  await serviceToken(issuer);
  // nobody hears of it
  const change = { secretHash: sha256('another secret') };
  await ctx.db.updateTable('clients').set(change).where('clientId', '=', 'demo-service').execute();
  const form = { grant_type: 'client_credentials', resource: assistApi };
  const asked = () => post(issuer, '/token', form, demoBasic('service'));
  t.equal((await asked()).status, 200, 'it is known for a few seconds more');

  const [realNow, night] = [Date.now, day / 2];
  t.teardown(() => (Date.now = realNow));
  Date.now = () => realNow() + night * 1000;
  app.advance(-night);
  t.equal((await asked()).status, 401);
});

t.test('a code outlives the key that was there when it was made', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const { form } = await obtainCode(demoParty(issuer, 'assist'));
  const [made] = await rotateSigningKeys(ctx, { alg: 'ES256', now: true });
  await until(async () => (await publishedKids(issuer))[0] === made?.kid);
  const answer = await post(issuer, '/token', form);
  t.equal(answer.status, 200);
  t.equal(decodeProtectedHeader((answer.json() as { id_token: string }).id_token).kid, made?.kid);
});

t.test('a key is taken out', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;

  await t.test('never when none could sign in its place', async (t) => {
    const kid = await kidOf(app, 'current');
    await t.rejects(retire(ctx, kid), { code: 'only_signing_key' });
    await t.rejects(retire(ctx, 'nobody'), { code: 'not_found' });
    t.match(await keysOf(app), [{ kid, state: 'current', retireAt: null }]);
    t.equal(await countEvents(ctx, 'signing_key.retired'), 0);
  });

  await t.test('before it has ever signed, and the current key stays', async (t) => {
    const kid = await kidOf(app, 'current');
    const [next] = await rotateSigningKeys(ctx, { alg: 'ES256' });
    t.match(next, { state: 'next' });
    t.ok((await keysOf(app)).find((key) => key.kid === kid)?.retireAt, 'its end is known');
    await retire(ctx, next?.kid ?? '');
    t.match(await keysOf(app), [{ kid, state: 'current', retireAt: null }]);
    await t.rejects(retire(ctx, next?.kid ?? ''), { code: 'not_found' });
  });

  await t.test('while it signs: the next one signs then', async (t) => {
    const kid = await kidOf(app, 'current');
    const [next] = await rotateSigningKeys(ctx, { alg: 'ES256' });
    await retire(ctx, kid);
    t.match(await keysOf(app), [{ kid: next?.kid, state: 'current', retireAt: null }]);
    t.ok(await until(async () => (await publishedKids(app.issuer))[0] === next?.kid));
    t.notOk((await publishedKids(app.issuer)).includes(kid));
  });

  await t.test('as the next key, by a rotation at once', async (t) => {
    const [next] = await rotateSigningKeys(ctx, { alg: 'RS256' });
    const [made] = await rotateSigningKeys(ctx, { alg: 'RS256', now: true });
    const keys = await keysOf(app, 'RS256');
    t.same(
      keys.map(({ state }) => state),
      ['current', 'retired'],
    );
    t.equal(keys[0]?.kid, made?.kid);
    t.notOk(keys.some(({ kid }) => kid === next?.kid));
  });
});

t.test('of many who rotate at once one does', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  for (const now of [false, true]) {
    const before = await keysOf(app);
    const racers = Array.from({ length: 20 }, () => rotateSigningKeys(ctx, { alg: 'ES256', now }));
    const kids = (await Promise.all(racers)).flatMap((keys) => keys.map(({ kid }) => kid));
    t.equal(kids.length, 20, 'each is told of a key');
    t.equal(new Set(kids).size, 1, 'of the same');
    const added = (await keysOf(app)).filter(({ kid }) => !before.some((key) => key.kid === kid));
    t.equal(added.length, 1);
  }
  t.equal(await countEvents(ctx, 'signing_key.rotated'), 2);
});

t.test('a key that grows old is replaced by itself', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  const first = await kidOf(app, 'current');
  app.advance(89 * day - 60);
  await app.runJob('old signing keys');
  t.match(await keysOf(app), [{ kid: first, state: 'current', retireAt: null }], 'not before its time');

  app.advance(120);
  await Promise.all(Array.from({ length: 5 }, () => app.runJob('old signing keys')));
  for (const alg of ['ES256', 'RS256']) {
    const states = (await keysOf(app, alg)).map(({ state }) => state);
    t.same(states, ['current', 'next'], 'by one of those who try');
  }
  t.equal(await countEvents(ctx, 'signing_key.rotated'), 2);
  const next = await kidOf(app, 'next');
  t.same((await publishedKids(app.issuer)).slice(0, 2), [first, next], 'published at once');

  app.advance(day);
  await app.runJob('old signing keys');
  t.equal((await publishedKids(app.issuer))[0], next, 'and signing in a day');
  t.equal(await kidOf(app, 'retired'), first);
  app.advance(8 * day);
  t.notOk((await publishedKids(app.issuer)).includes(first));
  app.advance(day);
  await app.runJob('old signing keys');
  const rows = await ctx.db.selectFrom('signingKeys').select('kid').execute();
  t.notOk(
    rows.some(({ kid }) => kid === first),
    'nor is it stored any longer',
  );
  t.equal(rows.length, 2);
});

t.test('an engine that cannot be made leaves the one before it', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const [made] = await rotateSigningKeys(ctx, { alg: 'ES256' });
  await until(async () => (await publishedKids(issuer)).includes(made?.kid));
  const current = await kidOf(app, 'current');
  const publish = { kid: 'unreadable', alg: 'ES256', publicJwk: '{}', privateKeySealed: 'nothing' };
  const publishAt = ctx.now();
  await ctx.db
    .insertInto('signingKeys')
    .values({ ...publish, publishAt, activateAt: publishAt })
    .execute();
  app.advance(10);
  t.equal(decodeProtectedHeader(await serviceToken(issuer)).kid, current);
  t.ok(app.lines.some((line) => line.includes('no engine could be made')));
  await ctx.db.deleteFrom('signingKeys').where('kid', '=', current).execute();
  app.advance(10);
  const form = { grant_type: 'client_credentials', resource: assistApi, scope: 'assist:read' };
  t.equal(
    (await post(issuer, '/token', form, demoBasic('service'))).status,
    503,
    'but not with a key taken out',
  );
  for (const path of ['/jwks', '/livez']) t.equal((await fetch(`${issuer}${path}`)).status, 200, path);
});

t.test('keys are changed from a shell', async (t) => {
  const app = await startApp(t, { demo: false });
  const current = await kidOf(app, 'current');
  const keys = (...args: string[]) => doorward(app, 'keys', ...args);
  t.match((await keys('list')).output, current);
  t.equal((await keys('retire', current, '--yes')).code, 1, 'the only one stays');
  t.equal((await keys('rotate', '--now')).code, 2, 'nobody is there to say yes');
  t.equal(await kidOf(app, 'current'), current);
  const rotated = await keys('rotate', '--alg', 'ES256', '--now', '--yes');
  t.equal(rotated.code, 0, rotated.errors);
  const made = await kidOf(app, 'current');
  t.match(rotated.output, made);
  t.equal((await keys('retire', current, '--yes')).code, 0);
  t.same(await publishedKids(app.issuer).then((kids) => kids.filter((kid) => kid === current)), []);
  t.notMatch((await keys('list')).output, current);
  t.equal((await keys('rotate')).code, 0);
  t.same(
    (await listKeys(app.ctx.db, app.ctx.now())).map(({ alg, state }) => `${alg} ${state}`),
    ['ES256 current', 'ES256 next', 'RS256 current', 'RS256 next'],
  );
  t.equal((await keys('retire', 'nobody', '--yes')).code, 1);
  for (const wrong of [['rotate', '--alg', 'HS256'], ['retire'], ['retire', current], ['rotate', 'more']])
    t.equal((await keys(...wrong)).code, 2, wrong.join(' '));
});
