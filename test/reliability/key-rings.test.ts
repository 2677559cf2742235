/** RL-09: SECRET_KEYS and COOKIE_KEYS change while replicas run: nobody is signed out, nothing is lost, nobody serves who could not. */
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { emptyKeys, listKeyRings, openKeyRings, resealNow } from '../../src/core/key-rings/key-rings.ts';
import { enqueueMail } from '../../src/core/outbox/outbox.ts';
import { connect } from '../../src/db/connect.ts';
import type { EmailAddress } from '../../src/kernel/email-address.ts';
import { open, seal } from '../../src/kernel/seal.ts';
import { hour } from '../../src/kernel/time.ts';
import { cookieNames } from '../../src/provider/provider.ts';
import { cookieKeys } from '../../src/provider/settings.ts';
import { demoParty } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { freePort, startApp, type TestApp } from '../support/app.ts';
import { idOf, type KeyFiles, newKey, openKeyFiles } from '../support/key-files.ts';
import { callbackParams, signIn } from '../support/relying-party.ts';
import { until } from '../support/reliability.ts';

interface Pair {
  readonly apps: readonly [TestApp, TestApp];
  readonly files: readonly [KeyFiles, KeyFiles];
  readonly secret: string;
  readonly cookie: string;
}

/** Two replicas of one issuer, each with files of its own. */
async function startPair(t: Test): Promise<Pair> {
  const [secret, cookie] = [newKey(), newKey()];
  const lists = { SECRET_KEYS: [secret], COOKIE_KEYS: [cookie] };
  const files = [await openKeyFiles(t, lists), await openKeyFiles(t, lists)] as const;
  const app = await startApp(t, { env: files[0].env });
  const { databaseUrl, issuer } = app;
  const other = await startApp(t, { databaseUrl, demo: false, env: { ...files[1].env, ISSUER: issuer } });
  return { apps: [app, other], files, secret, cookie };
}

function firstCookieKey({ ctx }: TestApp): string {
  return ctx.config.cookieKeys[0].id;
}

async function usedKey({ ctx }: TestApp, ring: 'secret' | 'cookie'): Promise<string | undefined> {
  const query = ctx.db.selectFrom('keyUses').select('keyId').where('ring', '=', ring);
  return (await query.where('usedUntil', 'is', null).executeTakeFirst())?.keyId;
}

/** Whether this browser is still signed in at the replica. */
async function isSignedIn(browser: Agent, origin: string): Promise<boolean> {
  const { url } = await demoParty(browser.origin, 'assist').start({ prompt: 'none' });
  const answer = await browser.get(`${origin}${url.pathname}${url.search}`);
  return callbackParams(answer).has('code');
}

t.test('a new key comes into use when every replica has it', async (t) => {
  const { apps, files, cookie } = await startPair(t);
  const [app, other] = apps;
  const browser = new Agent(app.issuer);
  await signIn(browser, demoParty(app.issuer, 'assist'), 'alan@acme.test');
  const next = newKey();
  await files[0].write('COOKIE_KEYS', [next, cookie]);
  await until(() => app.ctx.config.cookieKeys.some(({ id }) => id === idOf(next)), { what: 'one has it' });
  t.equal(firstCookieKey(app), idOf(cookie), 'one alone does not use it');
  t.match(await listKeyRings(app.ctx), [
    { ring: 'secret', state: 'used' },
    { ring: 'cookie', id: idOf(cookie), state: 'used' },
    { ring: 'cookie', id: idOf(next), state: 'next', awaited: 1 },
  ]);

  await files[1].write('COOKIE_KEYS', [next, cookie]);
  for (const each of apps)
    await until(() => firstCookieKey(each) === idOf(next), { what: 'each replica uses it' });
  for (const { origin } of apps) t.ok(await isSignedIn(browser, origin), 'whoever was signed in still is');
  const late = new Agent(app.issuer);
  await signIn(late, demoParty(app.issuer, 'assist'), 'ada@acme.test');
  const { session } = cookieNames(app.ctx.config);
  const valueOf = (name: string) => late.cookies.find((each) => each.name === name)?.value ?? '';
  const newest = cookieKeys({ cookieKeys: [other.ctx.config.cookieKeys[0]] });
  t.ok(newest.verify(`${session}=${valueOf(session)}`, valueOf(`${session}.sig`)), 'the new one signs');

  await t.test('and the old one goes from the settings without a trace', async (t) => {
    for (const file of files) await file.write('COOKIE_KEYS', [next]);
    for (const { ctx } of apps) await until(() => ctx.config.cookieKeys.length === 1, { what: 'it is gone' });
    for (const { origin } of apps) {
      t.ok(await isSignedIn(late, origin));
      t.ok(await isSignedIn(browser, origin), 'who came meanwhile has a cookie of the new key');
    }
  });
});

t.test('a key that was taken out too soon is kept for as long as it is needed', async (t) => {
  const { apps, files, secret } = await startPair(t);
  const [app] = apps;
  const { ctx } = app;
  const sealed = seal(ctx.config.secretKeys, 'kept', 'somewhere');
  const next = newKey();
  await files[0].write('SECRET_KEYS', [next]);
  await until(() => ctx.config.secretKeys.length === 2, { what: 'one has both' });
  t.equal(ctx.config.secretKeys[0].id, idOf(secret));
  await files[1].write('SECRET_KEYS', [next]);
  for (const each of apps)
    await until(() => each.ctx.config.secretKeys[0].id === idOf(next), { what: 'each seals with it' });
  t.equal(open(ctx.config.secretKeys, sealed, 'somewhere'), 'kept');

  t.ok((await emptyKeys(ctx)) > 0, 'what the old one has sealed is sealed anew');
  t.equal(await emptyKeys(ctx), 0, 'once');
  t.match(await listKeyRings(ctx), [
    { id: idOf(next), state: 'used' },
    { id: idOf(secret), state: 'kept', sealed: 0, removableAt: undefined },
    { ring: 'cookie' },
  ]);
  for (const each of apps) each.advance(hour + 1);
  await emptyKeys(ctx);
  for (const each of apps)
    await until(() => each.ctx.config.secretKeys.length === 1, { what: 'it is kept no longer' });
  t.equal((await fetch(`${app.issuer}/readyz`)).status, 200);
});

t.test('a replica that lacks the key of now gives up nothing that others have sealed', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  // while it was away they have gone on to another
  const theirs = newKey();
  const began = { ring: 'secret', keyId: idOf(theirs), beganAt: ctx.now() } as const;
  await ctx.db.updateTable('keyUses').set({ usedUntil: ctx.now() }).where('ring', '=', 'secret').execute();
  await ctx.db.insertInto('keyUses').values(began).execute();
  const other = { ...ctx, config: { ...ctx.config, secretKeys: [key(theirs)] as const } };
  await inTransaction(other, (tx) =>
    enqueueMail(tx, {
      template: 'password_reset',
      recipient: 'alan@acme.test' as EmailAddress,
      locale: 'en',
      data: { minutes: 30 },
      secrets: { token: 'a token', code: '123456' },
    }),
  );
  app.advance(16);
  t.equal(await app.runJob('mail'), 0);
  t.equal((await fetch(`${app.issuer}/readyz`)).status, 503);
  const [mail] = await ctx.db
    .selectFrom('mailOutbox')
    .select(['state', 'attempts', 'secretsSealed'])
    .execute();
  t.match(mail, { state: 'pending', attempts: 0, secretsSealed: new RegExp(`^${idOf(theirs)}\\.`) });

  t.equal((await resealNow(ctx)).resealed, 0);
  const emptied = ctx.db.selectFrom('keyUses').select('keyId').where('emptiedAt', 'is not', null);
  t.same(await emptied.execute(), [], 'nor does it tell others that nothing is left of a key');
});

t.test('a key opens before others can hear that this replica has it', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  const before = { secretKeys: ctx.config.secretKeys, cookieKeys: ctx.config.cookieKeys };
  const [secret, cookie] = [key(newKey()), key(newKey())];
  let lists: typeof before = before;
  const rings = openKeyRings({ ...ctx.config, ...before, readKeys: () => lists });
  await rings.confirm(ctx);
  lists = { secretKeys: [secret, ...before.secretKeys], cookieKeys: [cookie, ...before.cookieKeys] };
  const lost = connect(`postgres://127.0.0.1:${await freePort()}/none`);
  t.teardown(() => lost.destroy());
  await t.rejects(rings.confirm({ ...ctx, db: lost }));
  t.same(rings.config.secretKeys, [...before.secretKeys, secret], 'behind the one that is used');
  t.same(rings.config.cookieKeys, [...before.cookieKeys, cookie]);
  await rings.leave(ctx);
});

t.test('lists that cannot be read change nothing', async (t) => {
  const { apps, files, secret } = await startPair(t);
  const [app] = apps;
  for (const broken of ['', 'short', `${secret},${secret.slice(4)}`])
    for (const ring of ['SECRET_KEYS', 'COOKIE_KEYS'] as const) {
      const before = app.lines.length;
      await files[0].write(ring, [broken]);
      await until(() => app.lines.slice(before).some((line) => line.includes('cannot be read')), {
        what: 'the log tells',
      });
      t.equal(app.ctx.config.secretKeys.length + app.ctx.config.cookieKeys.length, 2);
      t.equal(app.lines.filter((line) => line.includes(secret)).length, 0, 'and no key');
      await files[0].write(ring, [ring === 'SECRET_KEYS' ? secret : newKey()]);
    }
});

t.test('a replica without the key that the others use is not started', async (t) => {
  const { apps, secret, cookie } = await startPair(t);
  const [app] = apps;
  const { databaseUrl, ctx } = app;
  const start = async (secretKeys: readonly string[], cookieKeyList: readonly string[]) =>
    startApp(t, {
      databaseUrl,
      demo: false,
      env: { SECRET_KEYS: secretKeys.join(','), COOKIE_KEYS: cookieKeyList.join(',') },
    });
  const holders = async () => (await ctx.db.selectFrom('keyHolders').select('id').execute()).length;
  const [newSecret, newCookie] = [newKey(), newKey()];
  for (const [lists, problems] of [
    [[[secret], [newCookie]], ['COOKIE_KEYS']],
    [[[newSecret], [cookie]], ['SECRET_KEYS']],
    [
      [[newSecret], [newCookie]],
      ['SECRET_KEYS', 'COOKIE_KEYS'],
    ],
  ] as const) {
    const refused = await start(...lists).catch((error: unknown) => error as { problems: string[] });
    t.same('problems' in refused && refused.problems.map((text) => text.split(' ', 1)[0]), problems);
    t.equal(await holders(), 2, 'nobody waits for it');
  }
  await start([newSecret, secret], [newCookie, cookie]);
  t.equal(firstCookieKey(app), idOf(cookie), 'with the old one behind the new it serves with the old one');

  await t.test('and when the last is gone, a cookie key may be replaced by another at once', async (t) => {
    const config = { ...ctx.config, cookieKeys: [key(newCookie)] as const };
    const alone = openKeyRings({ ...config, readKeys: () => config });
    // those that are still there say so every two seconds
    const isAlone = async (): Promise<boolean> => {
      await ctx.db.deleteFrom('keyHolders').execute();
      return alone.confirm(ctx).then(
        () => true,
        () => false,
      );
    };
    await until(isAlone, { what: 'nobody else is seen' });
    t.equal(await usedKey(app, 'cookie'), idOf(newCookie));
    await alone.leave(ctx);
  });
  await t.test('but not a secret key that something is sealed by', async (t) => {
    await ctx.db.deleteFrom('keyHolders').execute();
    const config = {
      ...ctx.config,
      secretKeys: [key(newSecret)] as const,
      cookieKeys: [key(newCookie)] as const,
    };
    const refused = openKeyRings({ ...config, readKeys: () => config }).confirm(ctx);
    const { problems } = await refused.then(
      () => ({ problems: [] }),
      (error: unknown) => error as { problems: string[] },
    );
    t.match(problems, [idOf(secret)]);
    t.equal(await usedKey(app, 'secret'), idOf(secret));
  });
});

function key(text: string) {
  return { id: idOf(text), bytes: Buffer.from(text, 'base64url') };
}
