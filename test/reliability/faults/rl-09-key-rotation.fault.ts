/**
 * RL-09: every kind of key rotates under load, again and again, while a replica stands still. Nobody who keeps the
 * published keys meets one they do not know, nobody is signed out, and what older keys have sealed is read and sealed anew.
 */
import { decodeProtectedHeader } from 'jose';
import { sql } from 'kysely';
import t from 'tap';
import type { Context } from '../../../src/context.ts';
import { resealNow, withUsedKeys } from '../../../src/core/key-rings/key-rings.ts';
import { cookieNames } from '../../../src/provider/provider.ts';
import { cookieKeys } from '../../../src/provider/settings.ts';
import { demoParty, introspect, post, refreshForm } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { startApp } from '../../support/app.ts';
import { createDatabase } from '../../support/database.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { idOf, newKey, openKeyFiles, type RingFile } from '../../support/key-files.ts';
import { holdKeys } from '../../support/key-holder.ts';
import { askForToken, kept, rotateQuickly, tokenOf } from '../../support/quick-rotation.ts';
import { amount, pause, startLoad, until } from '../../support/reliability.ts';
import { callbackParams, signIn } from '../../support/relying-party.ts';
import { startReplicas } from '../../support/replicas.ts';
import { findSealed } from '../../support/sealed.ts';

/**
 * In seconds, when the old key is gone: by then whatever it has signed must have been looked at, on a machine that may have
 * much else to do.
 */
const retiresAfter = 30;
const rotations = amount({ whole: 20, bounded: 2 });
const stillSeconds = amount({ whole: 60, bounded: 7 });
const visitors = 3;

const rings = { SECRET_KEYS: 'secret', COOKIE_KEYS: 'cookie' } as const;

/** With the keys of now, as a command has them. */
async function fresh(ctx: Context): Promise<Context> {
  const config = { ...ctx.config, ...ctx.config.readKeys() };
  return { ...ctx, config: await withUsedKeys(ctx.db, config) };
}

async function usedKey({ db }: Context, ring: RingFile): Promise<string | undefined> {
  const query = db.selectFrom('keyUses').select('keyId').where('ring', '=', rings[ring]);
  return (await query.where('usedUntil', 'is', null).executeTakeFirst())?.keyId;
}

/** A request that may ask nothing: the same each time, so that nobody has to be asked how to make it. */
async function silentRequest(issuer: string): Promise<string> {
  const { url } = await demoParty(issuer, 'assist').start({ prompt: 'none' });
  return `${url.pathname}${url.search}`;
}

/** `code` when the person is still signed in; else what is said. */
async function comeAgain(browser: Agent, origin: string, silent: string): Promise<string> {
  const answer = await browser.get(`${origin}${silent}`);
  const params = callbackParams(answer);
  return params.has('code') ? 'code' : `${answer.status} ${params.get('error') ?? ''}`;
}

t.test('RL-09 all keys rotate under load, and a replica stands still meanwhile', async (t) => {
  const lists: Record<RingFile, string[]> = { SECRET_KEYS: [newKey()], COOKIE_KEYS: [newKey()] };
  const files = await openKeyFiles(t, lists);
  const databaseUrl = await createDatabase(t);
  const { issuer, origins, ctx, signal } = await startReplicas(t, { count: 2, databaseUrl, env: files.env });
  const silent = await silentRequest(issuer);
  const holders = origins.map((origin) => holdKeys(origin, { seconds: kept, now: ctx.now }));
  const failures: string[] = [];
  const note = (what: string) => (error: unknown) => void failures.push(`${what}: ${String(error)}`);

  const tokens = startLoad({
    workers: 2,
    async send() {
      const answer = await askForToken(issuer);
      if (answer.status !== 200) failures.push(`token: ${answer.status} ${answer.text}`);
      const { access_token: token = '' } = answer.json() as { access_token?: string };
      for (const holder of holders) await holder.verify(token).catch(note('verify'));
      if ((await introspect(issuer, token))['active'] !== true) failures.push('introspected as inactive');
      return answer.status;
    },
  });
  const browsers = await Promise.all(
    Array.from({ length: visitors }, async () => {
      const browser = new Agent(issuer);
      const { tokens: first } = await signIn(browser, demoParty(issuer, 'assist'), 'alan@acme.test');
      return { browser, refreshToken: first.refresh_token, visits: 0 };
    }),
  );
  const visits = startLoad({
    workers: visitors,
    async send(worker) {
      const visitor = browsers[worker];
      if (!visitor) return 'nobody';
      const came = await comeAgain(visitor.browser, issuer, silent);
      if (came !== 'code') failures.push(`signed out: ${came}`);
      const refreshed = await post(issuer, '/token', refreshForm(visitor.refreshToken));
      if (refreshed.status === 200)
        visitor.refreshToken = (refreshed.json() as { refresh_token: string }).refresh_token;
      else failures.push(`refresh: ${refreshed.status} ${refreshed.text}`);
      visitor.visits += 1;
      return refreshed.status;
    },
  });
  /** Everybody has been here since: their cookies are of the newest key. */
  const everybodyCame = async (): Promise<void> => {
    const before = browsers.map((visitor) => visitor.visits);
    const isSo = () => browsers.every((visitor, index) => visitor.visits > (before[index] ?? 0) + 1);
    await until(isSo, { what: 'everybody comes again', withinMs: 120_000 });
  };
  const rotateRing = async (ring: RingFile): Promise<void> => {
    // of cookie keys two: whoever comes now and then has a cookie of the newest by the time the older is gone
    const kept = ring === 'COOKIE_KEYS' ? lists[ring].slice(0, 1) : lists[ring];
    lists[ring] = [newKey(), ...kept];
    await files.write(ring, lists[ring]);
  };
  const areUsed = async (): Promise<void> => {
    for (const ring of ['SECRET_KEYS', 'COOKIE_KEYS'] as const)
      await until(async () => (await usedKey(ctx, ring)) === idOf(lists[ring][0] ?? ''), {
        what: `the new one of ${ring} is used`,
        withinMs: 60_000,
      });
  };

  for (let rotation = 0; rotation < rotations; rotation += 1) {
    const isStill = rotation === 1;
    if (isStill) signal(0, 'SIGSTOP');
    // what was asked of the one that stands still is answered when it goes on: by then a key must not be gone
    const retires = isStill ? stillSeconds + 30 : retiresAfter;
    const [, next] = await rotateQuickly(await fresh(ctx), { retires });
    await rotateRing('SECRET_KEYS');
    await rotateRing('COOKIE_KEYS');
    if (isStill) {
      await pause(stillSeconds * 1000);
      signal(0, 'SIGCONT');
    }
    await areUsed();
    await everybodyCame();
    for (const origin of origins)
      await until(async () => decodeProtectedHeader(tokenOf(await askForToken(origin))).kid === next, {
        what: 'the next key signs',
        withinMs: 60_000,
      });
  }
  await tokens.stop();
  await visits.stop();
  t.same([...new Set(failures)], []);
  t.ok(tokens.tally.total > 10, `${tokens.tally.total} tokens`);
  t.ok(visits.tally.total > 10, `${visits.tally.total} visits`);
  t.same([...tokens.tally.failures, ...visits.tally.failures], []);

  await t.test('of what older keys have sealed nothing is left, and they may go', async (t) => {
    const older = lists.SECRET_KEYS.slice(1).map(idOf);
    await until(async () => (await resealNow(await fresh(ctx))).resealed === 0, {
      what: 'all is sealed anew',
    });
    for (const id of older) t.equal((await findSealed(ctx, id)).size, 0, id);
    // an hour later
    await sql`update key_uses set used_until = used_until - interval '61 minutes'
      where used_until is not null`.execute(ctx.db);
    await resealNow(await fresh(ctx));
    const newest = { SECRET_KEYS: lists.SECRET_KEYS[0] ?? '', COOKIE_KEYS: lists.COOKIE_KEYS[0] ?? '' };
    const env = { ...newest, ISSUER: issuer };
    const alone = await startApp(t, { databaseUrl, demo: false, env });
    for (const { browser, refreshToken } of browsers) {
      t.equal(await comeAgain(browser, alone.origin, silent), 'code');
      t.equal((await post(alone.origin, '/token', refreshForm(refreshToken))).status, 200);
    }
  });
  await assertInvariants(t, ctx.db);
});

t.test('RL-09 a replica wakes up that cannot know the keys of now', async (t) => {
  const [secret, cookie] = [newKey(), newKey()];
  const files = await openKeyFiles(t, { SECRET_KEYS: [secret], COOKIE_KEYS: [cookie] });
  const databaseUrl = await createDatabase(t);
  const { origins, ctx, issuer, signal } = await startReplicas(t, {
    count: 2,
    databaseUrl,
    // the first has its keys in its environment: to learn of others it has to be started again
    envOf: (index) => (index === 0 ? {} : files.env),
    env: { SECRET_KEYS: secret, COOKIE_KEYS: cookie },
  });
  const [stale = '', other = ''] = origins;
  const browser = new Agent(issuer);
  const silent = await silentRequest(issuer);
  await signIn(browser, demoParty(issuer, 'assist'), 'alan@acme.test');
  t.equal(await comeAgain(browser, stale, silent), 'code');
  signal(0, 'SIGSTOP');
  const since = Date.now();
  const next = newKey();
  await files.write('COOKIE_KEYS', [next, cookie]);
  // a bounded run does not wait for the half minute after which others go on without it
  await until(async () => (await forgetSilent(ctx)) && (await usedKey(ctx, 'COOKIE_KEYS')) === idOf(next), {
    what: 'the new key is used',
    withinMs: 60_000,
  });
  await until(async () => (await comeAgain(browser, other, silent)) === 'code' && signedBy(browser, next), {
    what: 'the cookie is signed with it',
  });
  await until(() => Date.now() - since > 16_000, { what: 'it has stood still for long' });
  signal(0, 'SIGCONT');
  t.equal(await comeAgain(browser, stale, silent), '503 ', 'it takes nobody for a stranger');
  t.equal((await askForToken(stale)).status, 503, 'and signs nothing');
  t.equal(await comeAgain(browser, other, silent), 'code', 'whoever was signed in still is');
});

function signedBy(browser: Agent, key: string): boolean {
  const { session } = cookieNames({ issuer: browser.origin });
  const valueOf = (name: string) => browser.cookies.find((cookie) => cookie.name === name)?.value ?? '';
  const keys = cookieKeys({ cookieKeys: [{ id: idOf(key), bytes: Buffer.from(key, 'base64url') }] });
  return keys.verify(`${session}=${valueOf(session)}`, valueOf(`${session}.sig`));
}

/** The frozen one says nothing; the others do every two seconds. */
async function forgetSilent({ db }: Context): Promise<boolean> {
  await db
    .deleteFrom('keyHolders')
    .where('seenAt', '<', sql<Date>`clock_timestamp() - interval '6 seconds'`)
    .execute();
  return true;
}
