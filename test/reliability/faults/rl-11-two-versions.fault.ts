/**
 * RL-11: an upgrade, and the way back. The version before this one runs on the new schema, and both stand side by side
 * behind one balancer: whatever was begun at one is finished at the other, both ways.
 */
import t, { type Test } from 'tap';
import { operatorScopes } from '../../../src/core/clients/clients.ts';
import { open } from '../../../src/kernel/seal.ts';
import { demoParty, obtainCode, post, refreshForm } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { apiWith, operatorToken } from '../../support/api.ts';
import { run as runFile } from '../../support/command.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { callbackParams, signIn, submitPassword, toStep } from '../../support/relying-party.ts';
import { amount, startLoad, until } from '../../support/reliability.ts';
import { createEmptyDatabase } from '../../support/replicas.ts';
import { complete, newPassword, openLink } from '../../support/reset.ts';
import { type Version, versionBefore } from '../../support/versions.ts';

const [older, newer] = [0, 1];
const email = 'alan@acme.test';
/** Whoever signs in many times at once is throttled: the load has a person of its own. */
const loadEmail = 'ada@acme.test';
let made = 0;

/** Begun at one replica; answers what is to be done at another. */
type Begin = (fleet: Fleet) => Promise<(t: Test) => Promise<void>>;

const things: Readonly<Record<string, Begin>> = {
  async 'a sign-in'({ issuer }) {
    const assist = demoParty(issuer, 'assist');
    const browser = new Agent(issuer);
    const started = await assist.start();
    const step = await toStep(browser, started.url);
    return async (t) => {
      const done = await submitPassword(browser, step, email);
      if (done.status !== 200) throw new Error(`the password: ${done.status} ${done.text}`);
      const back = await browser.follow((done.json() as { location: string }).location);
      if (!callbackParams(back).has('code')) throw new Error(`the way back: ${back.status} ${back.text}`);
      t.ok((await assist.finish(back.location, started)).access_token);
    };
  },
  async 'a sign-in whose password was typed'({ issuer }) {
    const assist = demoParty(issuer, 'assist');
    const browser = new Agent(issuer);
    const started = await assist.start();
    const done = await submitPassword(browser, await toStep(browser, started.url), email);
    if (done.status !== 200) throw new Error(`the password: ${done.status} ${done.text}`);
    return async (t) => {
      const back = await browser.follow((done.json() as { location: string }).location);
      if (!callbackParams(back).has('code')) throw new Error(`the way back: ${back.status} ${back.text}`);
      t.ok((await assist.finish(back.location, started)).access_token);
    };
  },
  async 'a code'({ issuer }) {
    const { form } = await obtainCode(demoParty(issuer, 'assist'));
    return async (t) => {
      t.equal((await post(issuer, '/token', form)).status, 200);
      t.equal((await post(issuer, '/token', form)).status, 400, 'and no second time');
    };
  },
  async 'a session'({ issuer }) {
    const browser = new Agent(issuer);
    await signIn(browser, demoParty(issuer, 'assist'), email);
    return async (t) => {
      const { url } = await demoParty(issuer, 'assist').start({ prompt: 'none' });
      t.ok(callbackParams(await browser.follow(url.href)).has('code'));
    };
  },
  async 'a refresh token'({ issuer }) {
    const { tokens } = await signIn(new Agent(issuer), demoParty(issuer, 'assist'), email);
    return async (t) => {
      const answer = await post(issuer, '/token', refreshForm(tokens.refresh_token));
      t.equal(answer.status, 200);
      const again = await post(issuer, '/token', refreshForm(tokens.refresh_token));
      t.equal(
        (again.json() as { refresh_token: string }).refresh_token,
        (answer.json() as { refresh_token: string }).refresh_token,
        'a lost reply is given again',
      );
    };
  },
  async 'a password reset'(fleet) {
    const person = 'noseat@acme.test';
    await fleet.ctx.db.deleteFrom('throttles').execute();
    const sent = await mailsTo(fleet, person, 'password_reset');
    await new Agent(fleet.issuer).post('/password-resets', { json: { email: person } });
    const mail = async () => (await mailsTo(fleet, person, 'password_reset'))[sent.length];
    await until(async () => (await mail()) !== undefined, { what: 'the mail is written' });
    const token = (await mail()) ?? '';
    return async (t) => {
      const browser = new Agent(fleet.issuer);
      await openLink(browser, token);
      made += 1;
      t.equal((await complete(browser, { token, password: `${newPassword} ${made}` })).status, 200);
    };
  },
  async 'an invitation'(fleet) {
    const api = apiWith(fleet, await operatorToken(fleet, operatorScopes));
    const account = await fleet.ctx.db
      .selectFrom('accounts')
      .select('id')
      .where('slug', '=', 'acme')
      .executeTakeFirstOrThrow();
    made += 1;
    const invited = `invited-${made}@acme-partners.test`;
    const answer = await api.post(`/accounts/${account.id}/invitations`, {
      email: invited,
      role: 'agent',
      products: [],
    });
    if (answer.status !== 201) throw new Error(answer.text);
    const [token] = await mailsTo(fleet, invited, 'invitation');
    return async (t) => {
      const json = { token, password: newPassword, name: 'Somebody New' };
      t.equal((await new Agent(fleet.issuer).post('/invitations/accept', { json })).status, 200);
    };
  },
};

async function beginAll(fleet: Fleet): Promise<((t: Test) => Promise<void>)[]> {
  const rest: ((t: Test) => Promise<void>)[] = [];
  for (const begin of Object.values(things)) rest.push(await begin(fleet));
  return rest;
}

/** The tokens of all that was mailed to somebody. */
async function mailsTo({ ctx }: Fleet, recipient: string, template: string): Promise<string[]> {
  const mails = await ctx.db
    .selectFrom('mailOutbox')
    .select(['id', 'secretsSealed'])
    .where('recipient', '=', recipient)
    .where('template', 'like', `${template}%`)
    .orderBy('id')
    .execute();
  return mails.map(({ id, secretsSealed }) => {
    const text = open(ctx.config.secretKeys, secretsSealed ?? '', `mail_outbox/${id}`);
    return (JSON.parse(text) as { token: string }).token;
  });
}

async function upgrade(t: Test, before: Version): Promise<void> {
  const databaseUrl = await createEmptyDatabase(t);
  const cwdOf = [before.cwd, process.cwd()];
  const fleet = await startFleet(t, {
    count: 2,
    databaseUrl,
    seed: false,
    started: 1,
    env: { API_REQUESTS_PER_MINUTE: '100000' },
    own: (index) => ({ cwd: cwdOf[index] ?? '.' }),
  });
  const { ctx, issuer } = fleet;
  const { secretKeys, cookieKeys } = ctx.config;
  const keysOf = (keys: typeof secretKeys) => keys.map(({ bytes }) => bytes.toString('base64url')).join(',');
  const env = {
    ...{ ISSUER: issuer, DATABASE_URL: databaseUrl },
    SECRET_KEYS: keysOf(secretKeys),
    COOKIE_KEYS: keysOf(cookieKeys),
  };
  const seeded = await runFile(`${before.cwd}/src/cli/doorward.ts`, ['seed'], env);
  t.equal(seeded.code, 0, seeded.errors);

  /** Everything begun at one, then the rest of it at the other. */
  const cross = async (t: Test, from: number, to: number): Promise<void> => {
    for (const [name, begin] of Object.entries(things)) {
      fleet.prefer(from);
      const finish = await begin(fleet);
      fleet.prefer(to);
      await t.test(name, finish);
      fleet.prefer();
    }
  };
  const load = startLoad({
    workers: 1,
    async send() {
      const assist = demoParty(issuer, 'assist');
      const browser = new Agent(issuer);
      const started = await assist.start();
      const done = await submitPassword(browser, await toStep(browser, started.url), loadEmail);
      const { location } = done.json() as { location?: string };
      if (location === undefined) return `password: ${done.status} ${done.text}`;
      const back = await browser.follow(location);
      if (!callbackParams(back).has('code')) return `back: ${back.status} ${back.location} ${back.text}`;
      await assist.finish(back.location, started);
      return 200;
    },
  });
  await t.test('the new version comes, and migrates, while the one before serves', async (t) => {
    const finish = await beginAll(fleet);
    await fleet.start(newer);
    fleet.prefer(newer);
    for (const rest of finish) await rest(t);
    fleet.prefer();
  });
  await t.test('what was begun at the old one is finished at the new one', (t) => cross(t, older, newer));
  await t.test('what was begun at the new one is finished at the old one', (t) => cross(t, newer, older));
  await t.test('the old one starts anew on the new schema, and the new one is taken back', async (t) => {
    const finish = await beginAll(fleet);
    await fleet.stop(older);
    await fleet.start(older);
    await fleet.stop(newer);
    for (const rest of finish) await rest(t);
  });
  const { counts, failures, total } = await load.stop();
  t.same(failures, [], 'nobody has noticed');
  t.same(Object.keys(counts), ['200'], `${total} sign-ins`);
  t.same(fleet.faults, []);
  t.same(fleet.lost, []);
  await assertInvariants(t, ctx.db);
}

t.test('RL-11 two versions run at once, and one is taken back', async (t) => {
  const before = await versionBefore(t, 'src', 'migrations');
  await t.test(`the version before: ${before.name}`, (t) => upgrade(t, before));
  if (amount({ whole: 1, bounded: 0 }) === 0) return;
  const schemaBefore = await versionBefore(t, 'migrations');
  await t.test(`the schema before: ${schemaBefore.name}`, (t) => upgrade(t, schemaBefore));
});
