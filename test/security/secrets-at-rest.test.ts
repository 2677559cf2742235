/**
 * Invariants 9 and 10, SE-02, LG-02: the service goes through everything it does, every secret that crosses the wire
 * is a canary, and neither the whole database nor the log holds one, in whatever form. Nor is what they hold of use.
 */
import { randomUUID } from 'node:crypto';
import KeyGrip from 'keygrip';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import t from 'tap';
import { listSigningKeys } from '../../src/core/keys/keys.ts';
import { demoPassword } from '../../src/demo/world.ts';
import {
  assistApi,
  demoParty,
  obtainCode,
  post,
  refreshForm,
  signOut,
  userinfo,
} from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import {
  Canaries,
  digestsOf,
  type Dump,
  dumpDatabase,
  formsOf,
  listenForSecrets,
} from '../support/canaries.ts';
import { callbackParams } from '../support/relying-party.ts';
import { openTab, typePassword } from '../support/tab.ts';
import {
  acceptInvitations,
  comeByCompany,
  enter,
  forgetPasswords,
  invitedPassword,
  livePeople,
  serveClients,
  sufferFaults,
  wrongField,
  wrongPassword,
} from './whole-run.ts';

t.test('secrets at rest', async (t) => {
  const canaries = listenForSecrets(t);
  const app = await startApp(t);
  const { issuer, ctx, databaseUrl } = app;
  (ctx.log as Logger).level = 'trace';
  canaries.add('password', wrongField);
  const assist = demoParty(issuer, 'assist');
  const dumps: Dump[] = [];
  const dump = async (): Promise<void> => void dumps.push(await dumpDatabase(databaseUrl));
  /** Which kinds of secrets stand in a text, in any form. */
  const found = (text: string, secrets = canaries.all): string[] => [
    ...new Set(
      secrets
        .filter(({ secret }) => formsOf(secret).some((form) => text.includes(form)))
        .map(({ kind }) => kind),
    ),
  ];

  await livePeople(app);
  await dump();
  await serveClients(app);
  await comeByCompany(app);
  for (const token of await acceptInvitations(app)) canaries.add('invitation token', token);
  canaries.add('reset token', await forgetPasswords(app));
  await dump();
  const leaving = await enter(issuer, 'alan@acme.test');
  await signOut(t, leaving.browser, leaving.tokens.id_token ?? '');
  const faults = await sufferFaults(app);
  await dump();
  /** What a thief of the next dump would like to have: all of it is alive. */
  const leaveAlive = async () => {
    const live = await enter(issuer, 'alan@acme.test');
    const idToken = live.tokens.id_token ?? '';
    await live.browser.get(`/logout?${new URLSearchParams({ id_token_hint: idToken }).toString()}`);
    const hinted = { prompt: 'login', id_token_hint: idToken };
    const open = await openTab(assist, { face: 'application/json', browser: live.browser, extra: hinted });
    const coded = await obtainCode(assist, { browser: live.browser });
    canaries.add('code verifier', coded.started.codeVerifier);
    const { url } = await assist.start();
    const pushed = await post(issuer, '/par', url.searchParams);
    await dump();
    return { live, open, coded, requestUri: (pushed.json() as { request_uri: string }).request_uri };
  };
  await leaveAlive();

  t.test('every kind of secret was met', async (t) => {
    t.same(canaries.kinds, [
      'access token',
      'assertion',
      'client assertion',
      'client secret',
      'code',
      'code verifier',
      'cookie',
      'cookie signature',
      'dpop proof',
      'id token',
      'interaction uid',
      'invitation token',
      'password',
      'refresh token',
      'request_uri',
      'reset token',
      'token',
      'xsrf',
    ]);
    for (const password of [demoPassword, wrongPassword, invitedPassword])
      t.ok(canaries.of('password').includes(password));
    for (const kind of ['access token', 'code', 'cookie', 'id token', 'interaction uid', 'refresh token'])
      t.ok(canaries.of(kind).length >= 10, kind);
    const filled = [
      'artifacts',
      'grants',
      'interactions',
      'refresh_families',
      'sessions',
      'signing_keys',
      'events',
    ];
    for (const table of filled) t.ok(dumps.at(-1)?.tables.includes(`public.${table}`), table);
  });

  t.test('none of them stands in any table, however it is written', async (t) => {
    for (const { text } of dumps) {
      t.same(found(text), []);
      t.notMatch(text, /eyJ[\w-]{10,}\.eyJ/, 'nor any signed token that nobody has met');
    }
  });

  t.test('passwords not even as a digest', async (t) => {
    const digests = canaries.of('password').flatMap(digestsOf);
    for (const { text } of dumps) t.notOk(digests.some((digest) => text.includes(digest)));
  });

  t.test('LG-02: none of them stands in a line of the log', async (t) => {
    t.ok(app.lines.length > 100, 'there is a log');
    t.ok(faults > 20, `${faults} answers of 500`);
    const errors = app.lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
    t.ok(errors.length >= faults, 'and each of them left its traces');
    t.same(found(app.lines.join('\n')), []);
  });

  t.test("neither do the service's own keys", async (t) => {
    const own = new Canaries();
    for (const { privateJwk } of await listSigningKeys(ctx.db, ctx.config.secretKeys, ctx.now()))
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const)
        own.add('signing key', privateJwk[member]);
    for (const { bytes } of ctx.config.secretKeys) own.add('SECRET_KEYS', bytes.toString('base64url'));
    for (const { bytes } of ctx.config.cookieKeys) own.add('COOKIE_KEYS', bytes.toString('base64url'));
    t.same(own.kinds, ['COOKIE_KEYS', 'SECRET_KEYS', 'signing key']);
    t.equal(own.of('signing key').length, 7, 'of an elliptic key one member is secret, of an RSA key six');
    // as bytes too: each of these is an encoding already
    const raw = own.all.flatMap(({ secret }) => [
      Buffer.from(secret, 'base64url').toString('hex'),
      Buffer.from(secret, 'base64url').toString('base64').replaceAll('=', ''),
    ]);
    for (const text of [...dumps.map((dump) => dump.text), app.lines.join('\n')]) {
      t.same(found(text, own.all), []);
      t.notOk(raw.some((form) => text.includes(form)));
    }
  });

  t.test('the search would find each of these forms', async (t) => {
    const secret = randomUUID().repeat(2);
    const planted = [{ kind: 'planted', secret }];
    await sql`create table planted (kept text, document jsonb, bytes bytea)`.execute(ctx.db);
    const bytes = Buffer.from(secret);
    const forms: (readonly [name: string, column: 'kept' | 'document' | 'bytes', value: unknown])[] = [
      ['as it is', 'kept', `before ${secret} after`],
      ['in JSON', 'document', JSON.stringify({ a: [{ b: secret }] })],
      ['as a key in JSON', 'document', JSON.stringify({ [secret]: 1 })],
      ['as bytes', 'bytes', bytes],
      ['hex', 'kept', bytes.toString('hex')],
      ['base64', 'kept', bytes.toString('base64')],
      ['base64url within more', 'kept', Buffer.from(`x${secret}y`).toString('base64url')],
      ['base64 of base64', 'kept', Buffer.from(bytes.toString('base64')).toString('base64')],
      ['bytes of base64', 'bytes', Buffer.from(bytes.toString('base64'))],
    ];
    for (const [name, column, value] of forms) {
      await sql`insert into planted (${sql.ref(column)}) values (${value})`.execute(ctx.db);
      t.same(found((await dumpDatabase(databaseUrl)).text, planted), ['planted'], name);
      await sql`delete from planted`.execute(ctx.db);
      t.same(found((await dumpDatabase(databaseUrl)).text, planted), [], 'and not when it is gone');
    }
    await sql`drop table planted`.execute(ctx.db);
  });

  t.test('nothing that stands in it opens a door, not even with cookies that are signed', async (t) => {
    const { live, open, coded, requestUri } = await leaveAlive(); // anew: codes live for a minute
    const signatures = new KeyGrip(
      ctx.config.cookieKeys.map(({ bytes }) => bytes.toString('base64url')),
      'sha256',
    );
    const withCookie = (path: string, name: string, value: string) => {
      const signed = signatures.sign(`${name}=${value}`);
      return new Agent(issuer).get(path, { headers: { cookie: `${name}=${value}; ${name}.sig=${signed}` } });
    };
    const silent = (await assist.start({ prompt: 'none' })).url;
    const bearer = async (value: string) => (await userinfo(issuer, value)).status === 200;
    const token = async (form: Readonly<Record<string, string>>) =>
      (await post(issuer, '/token', form)).status === 200;
    /** Each answers whether it has opened. */
    const doors: Readonly<Record<string, (value: string) => Promise<boolean>>> = {
      request_uri: async (value) => {
        const query = { client_id: 'demo-assist', request_uri: `urn:ietf:params:oauth:request_uri:${value}` };
        return (
          (await new Agent(issuer).get(`/authorize?${new URLSearchParams(query).toString()}`)).status === 303
        );
      },
      code: (value) => token({ ...coded.form, code: value }),
      session: async (value) =>
        callbackParams(await withCookie(silent.href, 'doorward_session', value)).has('code'),
      interaction: async (value) =>
        (await withCookie(`/sign-in/${encodeURIComponent(value)}`, 'doorward_interaction', value)).status ===
        200,
      'access token': bearer,
      'client secret': async (value) => {
        const basic = Buffer.from(`demo-service:${value}`).toString('base64');
        const form = { grant_type: 'client_credentials', resource: assistApi };
        return (await post(issuer, '/token', form, { authorization: `Basic ${basic}` })).status === 200;
      },
      'refresh token': (value) => token(refreshForm(value)),
    };
    const values = (dumps.at(-1)?.values ?? []).filter((value) => /^[\w.+/=~-]{16,1000}$/.test(value));
    t.ok(values.length > 100, `${values.length} values`);
    const hashes = (dumps.at(-1)?.values ?? []).filter((value) => value.startsWith('$argon2id$'));
    t.ok(hashes.length > 5);
    const tab = await openTab(assist, { face: 'application/json' });
    t.equal((await typePassword(tab, 'alan@acme.test', hashes[0])).status, 401, 'a hash is not its password');

    const cookie = live.browser.cookies.find(({ name }) => name === 'doorward_session')?.value ?? '';
    const keys: Readonly<Record<string, string>> = {
      session: cookie,
      interaction: open.uid,
      'access token': live.tokens.access_token,
      'client secret': 'demo-service-secret',
      request_uri: requestUri.split(':').at(-1) ?? '',
      code: coded.code,
      'refresh token': live.tokens.refresh_token ?? '',
    };
    for (const [name, opens] of Object.entries(doors)) {
      const opened: string[] = [];
      const attempt = async (value: string): Promise<void> =>
        void ((await opens(value)) && opened.push(value));
      // many at once: some of what is alive is so for a minute
      for (let at = 0; at < values.length; at += 20)
        await Promise.all(values.slice(at, at + 20).map(attempt));
      t.same(opened, [], name);
      t.equal(await opens(keys[name] ?? ''), true, `the door is a door: ${name}`);
    }
  });
});
