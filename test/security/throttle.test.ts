/** AU-01 to AU-05: guessing is slow, and stops; nobody is locked out for good; and no address is told from another. */
import argon2 from 'argon2';
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import {
  clearThrottle,
  hashPassword,
  takeFromBudget,
  updatePassword,
} from '../../src/core/credentials/credentials.ts';
import { countTry, giveBackTry } from '../../src/core/credentials/throttle.ts';
import { demoPassword } from '../../src/demo/world.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { fillGate } from '../support/full-gate.ts';
import { demoUserId, makeUser } from '../support/make.ts';
import { demoClient, RelyingParty, sha256, toStep } from '../support/relying-party.ts';
import { startReplicas } from '../support/replicas.ts';
import { complete, newPassword, obtainReset } from '../support/reset.ts';
import { overhearStatements } from '../support/statements.ts';

const wrong = 'not the password of anybody';
const cookieName = 'doorward_known_browser';

/** Mistakes in a row that cost nothing but a second try; the one after them has to wait first. */
const free = 5;

interface Try {
  readonly email: string;
  readonly password?: string;
  readonly browser?: Agent;
  readonly ip?: string;
}

let networks = 0;

/** A network that nobody has come from yet. */
function newNetwork(): string {
  networks += 1;
  return `198.18.${networks >> 8}.${networks & 255}`;
}

/** One try at a sign-in of its own; in a fresh browser on a fresh network unless said otherwise. */
async function attempt(
  { issuer }: Pick<TestApp, 'issuer'>,
  { email, password = wrong, browser = new Agent(issuer), ip = newNetwork() }: Try,
): Promise<Answer> {
  const party = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const { url } = await toStep(browser, (await party.start()).url);
  return browser.post(`${url}/password`, { json: { email, password }, headers: { 'x-forwarded-for': ip } });
}

async function fail(app: TestApp, times: number, who: Try): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    const { status } = await attempt(app, who);
    if (status !== 401) throw new Error(`try ${time + 1} of ${who.email} was answered ${status}`);
  }
}

function retryAfter({ headers }: Answer): number {
  return Number(headers.get('retry-after'));
}

/** A browser that has signed in with this address before, and has forgotten everything else. */
async function knownBrowser(app: TestApp, email: string): Promise<Agent> {
  const browser = new Agent(app.issuer);
  const answer = await attempt(app, { email, password: demoPassword, browser });
  if (answer.status !== 200) throw new Error(`${email} could not sign in: ${answer.text}`);
  return onlyKnown(browser);
}

function onlyKnown(browser: Agent, change: (value: string) => string = (value) => value): Agent {
  const known = new Agent(browser.origin);
  known.cookies = browser.cookies
    .filter(({ name }) => name === cookieName)
    .map((cookie) => ({ ...cookie, value: change(cookie.value) }));
  return known;
}

/** With addresses of their own, as behind a proxy that is trusted. */
function startThrottled(t: Test, databaseUrl?: string): Promise<TestApp> {
  return startApp(t, {
    env: { TRUSTED_PROXIES: '127.0.0.1' },
    ...(databaseUrl !== undefined && { databaseUrl }),
  });
}

t.test('AU-01 a hundred wrong passwords in a row, and then not even the right one', async (t) => {
  const app = await startThrottled(t);
  const takeVerified = t.capture(argon2, 'verify', argon2.verify);
  const email = 'ada@acme.test';
  const waits: number[] = [];
  for (let guess = 0; guess < 100; guess += 1) {
    const answer = await attempt(app, { email });
    if (answer.status === 401) continue;
    waits.push(retryAfter(answer));
    app.advance(retryAfter(answer));
    if ((await attempt(app, { email })).status !== 401) t.fail('the wait that was told is over');
  }
  t.equal(takeVerified().length, 100, 'all were evaluated');
  t.same(waits.slice(0, 4), [5, 10, 20, 40], 'the waits grow');
  t.equal(waits.length, 100 - free);
  t.ok(waits.reduce((sum, seconds) => sum + seconds, 0) > 20 * 3600, 'a hundred guesses take a day');

  app.advance(30 * 86_400);
  const right = await attempt(app, { email, password: demoPassword });
  t.match([right.status, right.json().code], [429, 'throttled']);
  t.ok(retryAfter(right) <= 86_400);
  t.same(takeVerified(), [], 'it was not even looked at');

  // what a reset does besides setting a password
  await inTransaction(app.ctx, (tx) => clearThrottle(tx, parseEmail(email) ?? ('' as never)));
  t.match((await attempt(app, { email, password: demoPassword })).json(), { step: 'done' });
});

t.test('a few mistakes', async (t) => {
  const app = await startThrottled(t);

  t.test('cost nothing, and are forgotten with the right password', async (t) => {
    const email = 'alan@acme.test';
    for (let day = 0; day < 3; day += 1) {
      await fail(app, free - 1, { email });
      t.match((await attempt(app, { email, password: demoPassword })).json(), { step: 'done' });
    }
  });

  t.test('become a wait that ends', async (t) => {
    const { email } = await makeUser(app.ctx);
    await fail(app, free, { email });
    const refused = await attempt(app, { email, password: demoPassword });
    t.equal(refused.status, 429);
    t.equal(retryAfter(refused), 5);
    const { step } = refused.json();
    t.match(step, { step: 'identify', login_hint: email, problem: { code: 'throttled', retry_after: 5 } });
    t.match(step.actions, { password: {}, forgot_password: {} }, 'with the way that is open to everybody');
    app.advance(5);
    t.match((await attempt(app, { email, password: demoPassword })).json(), { step: 'denied' });
  });

  t.test('are shown by the page, too', async (t) => {
    const { email } = await makeUser(app.ctx);
    await fail(app, free, { email });
    const browser = new Agent(app.issuer, 'text/html');
    const party = new RelyingParty(app.issuer, demoClient(app.issuer, 'assist'));
    const { url } = await toStep(browser, (await party.start()).url);
    const answer = await browser.post(`${url}/password`, { form: { email, password: wrong } });
    t.match([answer.status, answer.location], [303, url]);
    t.equal(answer.headers.get('retry-after'), null, 'the page itself must not wait (RFC 9110 §10.2.3)');
    t.match((await browser.get(url)).text, /role="alert"/);
    const json = await browser.get(url, { headers: { accept: 'application/json' } });
    t.match(json.json(), { step: 'identify', problem: { code: 'throttled' } });
  });

  t.test('AU-06 an address of nobody is throttled like one of somebody', async (t) => {
    const states = ['active', 'deactivated', 'invited'] as const;
    const people = await Promise.all([
      ...states.map((state) => makeUser(app.ctx, { state })),
      makeUser(app.ctx, { password: null }),
    ]);
    const told = await Promise.all(
      [...people.map(({ email }) => email), 'nobody@example.test'].map(async (email) => {
        const answers: unknown[] = [];
        for (let time = 0; time < free + 3; time += 1) {
          const { status, headers, text } = await attempt(app, { email });
          const names = [...headers.keys()].filter((name) => name !== 'date');
          const body = { ...JSON.parse(text), case_id: '', instance: '', step: '' };
          // the seconds that are left go down while others are tried
          answers.push([status, Number(headers.get('retry-after')) > 0, names, body]);
        }
        return answers;
      }),
    );
    for (const answers of told) t.same(answers, told[0]);
  });

  t.test('AU-04 count for one address, however it is spelled', async (t) => {
    const { email } = await makeUser(app.ctx, { email: 'grace.hopper@navy.test' });
    for (const spelling of [
      'Grace.Hopper@navy.test',
      ' grace.hopper@NAVY.TEST ',
      'GRACE.HOPPER@Navy.Test',
      email,
    ]) {
      await fail(app, 1, { email: spelling });
    }
    const browser = new Agent(app.issuer);
    const party = new RelyingParty(app.issuer, demoClient(app.issuer, 'assist'));
    const { url } = await toStep(browser, (await party.start()).url);
    const escaped = await browser.post(`${url}/password`, {
      body: String.raw`{"email":"gr\u0061ce.hopper@navy.test","password":"wrong"}`,
      headers: { 'content-type': 'application/json', 'x-forwarded-for': newNetwork() },
    });
    t.equal(escaped.status, 401);
    t.equal((await attempt(app, { email: 'grAce.hopper@navy.test' })).status, 429);
    t.equal(
      (await attempt(app, { email: 'gracehopper@navy.test' })).status,
      401,
      'another address is another',
    );
  });
});

t.test('AU-06 refusing costs the same work, whoever is meant', async (t) => {
  const { databaseUrl, take } = await overhearStatements(t, await createDatabase(t));
  const app = await startThrottled(t, databaseUrl);
  const refusals = async (email: string) => {
    await fail(app, free, { email });
    const statements: string[][] = [];
    for (let time = 0; time < 2; time += 1) {
      const browser = new Agent(app.issuer);
      const party = new RelyingParty(app.issuer, demoClient(app.issuer, 'assist'));
      const { url } = await toStep(browser, (await party.start()).url);
      const headers = { 'x-forwarded-for': newNetwork() };
      take();
      const { status } = await browser.post(`${url}/password`, { json: { email, password: wrong }, headers });
      t.equal(status, 429);
      // the client is kept in memory, and read again at whoever's request that happens to be
      statements.push(take().filter((text) => !text.includes('from "clients"')));
    }
    return statements;
  };
  const [first = [], second = []] = await refusals('ada@acme.test');
  t.same(await refusals('xda@acme.test'), [first, second]);
  t.ok(first.length > second.length, 'the audit trail hears of the first');
});

t.test('AU-05 nobody is locked out by others', async (t) => {
  const app = await startThrottled(t);

  t.test('a browser that signed in before gets in while strangers are held up', async (t) => {
    const email = 'ada@acme.test';
    const home = await knownBrowser(app, email);
    await fail(app, free, { email });
    t.equal((await attempt(app, { email, password: demoPassword })).status, 429, 'a stranger waits');
    const answer = await attempt(app, { email, password: demoPassword, browser: onlyKnown(home) });
    t.match(answer.json(), { step: 'done' });
    t.equal((await attempt(app, { email })).status, 429, 'which opens nothing to strangers');
  });

  t.test('its own mistakes count for itself alone', async (t) => {
    const email = 'alan@acme.test';
    const [home, work] = [await knownBrowser(app, email), await knownBrowser(app, email)];
    await fail(app, free, { email, browser: onlyKnown(home) });
    t.equal((await attempt(app, { email, browser: onlyKnown(home) })).status, 429);
    t.equal((await attempt(app, { email, browser: onlyKnown(work) })).status, 401);
    t.equal((await attempt(app, { email })).status, 401);
    app.advance(5);
    t.match((await attempt(app, { email, password: demoPassword, browser: home })).json(), { step: 'done' });
    await fail(app, free - 1, { email, browser: onlyKnown(home) });
  });

  t.test('it is known for its own addresses only', async (t) => {
    const browser = await knownBrowser(app, 'ian@initech.test');
    const email = 'multi@acme.test';
    await fail(app, free, { email });
    t.equal((await attempt(app, { email, password: demoPassword, browser: onlyKnown(browser) })).status, 429);
    app.advance(5);
    await attempt(app, { email, password: demoPassword, browser });
    await fail(app, free, { email });
    await fail(app, free, { email: 'ian@initech.test' });
    for (const one of [email, 'ian@initech.test']) {
      const answer = await attempt(app, { email: one, password: demoPassword, browser: onlyKnown(browser) });
      t.equal(answer.status, 200, `${one}: colleagues share it`);
    }
  });

  t.test('a mark that was made up or changed is a stranger’s', async (t) => {
    const email = 'lea@lapsed.test';
    const browser = new Agent(app.issuer);
    await attempt(app, { email, password: demoPassword, browser });
    await fail(app, free, { email });
    const changes: ((value: string) => string)[] = [
      (value) => value.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A')),
      (value) => value.replace(/^./, (first) => (first === 'z' ? 'y' : 'z')),
      (value) => value.replace(/\.(.)/, (_all, first) => `.${first === 'A' ? 'B' : 'A'}`),
      (value) => value.slice(0, -10),
      () => '',
      () => '~~~..~',
      () => 'x'.repeat(4000),
    ];
    for (const change of changes) {
      const answer = await attempt(app, {
        email,
        password: demoPassword,
        browser: onlyKnown(browser, change),
      });
      t.equal(answer.status, 429, change.toString());
    }
    const answer = await attempt(app, { email, password: demoPassword, browser: onlyKnown(browser) });
    t.match(answer.json(), { step: 'denied' }, 'and unchanged it is known');
  });

  t.test('with another password everybody is a stranger again', async (t) => {
    const { email } = await makeUser(app.ctx);
    const thief = await knownBrowser(app, email);
    const [userId, hash] = [
      await demoUserId(app.ctx, email),
      await hashPassword(app.ctx, 'another password of theirs'),
    ];
    await inTransaction(app.ctx, (tx) => updatePassword(tx, userId, hash));
    await fail(app, free, { email });
    t.equal((await attempt(app, { email, browser: onlyKnown(thief) })).status, 429);
  });

  t.test('half a year later a browser is forgotten', async (t) => {
    const { email } = await makeUser(app.ctx);
    const browser = new Agent(app.issuer);
    await attempt(app, { email, password: demoPassword, browser });
    app.advance(180 * 86_400 - 60);
    await fail(app, free, { email });
    t.equal((await attempt(app, { email, browser: onlyKnown(browser) })).status, 401);
    app.advance(60);
    await fail(app, 1, { email });
    t.equal((await attempt(app, { email, browser: onlyKnown(browser) })).status, 429);
  });

  t.test('a reset opens the way, and keeps it open in the browser that completed it', async (t) => {
    const { email } = await makeUser(app.ctx);
    await fail(app, free, { email });
    const browser = new Agent(app.issuer);
    const { token } = await obtainReset(app, new Agent(app.issuer), email);
    t.equal(
      (await attempt(app, { email, password: demoPassword })).status,
      429,
      'asking alone opens nothing',
    );
    t.equal((await complete(browser, { token })).status, 200);
    await fail(app, free, { email });
    t.equal((await attempt(app, { email, password: newPassword })).status, 429, 'the guesser goes on');
    const answer = await attempt(app, { email, password: newPassword, browser: onlyKnown(browser) });
    t.match(answer.json(), { step: 'denied' }, 'and is in nobody’s way');
  });

  t.test('the mark is the browser’s own: out of reach of scripts and of other sites', async (t) => {
    const { email } = await makeUser(app.ctx);
    const right = await attempt(app, { email, password: demoPassword });
    const [line = '', ...others] = right.headers.getSetCookie().filter((one) => one.startsWith(cookieName));
    t.same(others, []);
    t.match(line, /; Path=\/; Max-Age=15552000; HttpOnly; SameSite=Lax$/);
    t.notOk(line.includes(email.slice(0, 8)), 'and it names nobody');
  });
});

t.test('what is counted', async (t) => {
  const app = await startThrottled(t);
  const { ctx } = app;

  t.test('AU-03 stays counted when the sign-in is rolled back', async (t) => {
    const { email } = await makeUser(ctx);
    await sql`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'no' using errcode = '23514'; end $$
    `.execute(ctx.db);
    await sql`
      create trigger refuse before insert on events for each row when (new.type = 'sign_in.failed') execute function refuse()
    `.execute(ctx.db);
    const statuses: number[] = [];
    for (let time = 0; time < free + 1; time += 1) statuses.push((await attempt(app, { email })).status);
    await sql`drop trigger refuse on events`.execute(ctx.db);
    t.same(statuses, [...Array(free).fill(500), 429]);
  });

  t.test('is not what was never looked at', async (t) => {
    const { email } = await makeUser(ctx);
    const giveBack = fillGate(t, ctx.hashGate);
    const statuses: number[] = [];
    for (let time = 0; time < free + 1; time += 1) statuses.push((await attempt(app, { email })).status);
    await giveBack();
    t.same(statuses, Array(free + 1).fill(503), 'too many are hashing');
    await fail(app, free, { email });
  });

  t.test('AU-02 is a network’s too, whatever the addresses', async (t) => {
    const { email } = await makeUser(ctx);
    const home = await knownBrowser(app, 'ada@acme.test');
    const ip = '2001:db8:1:2::1';
    await useUpNetwork(app, ip);
    for (const same of [ip, '2001:db8:1:2:ffff::9']) {
      const answer = await attempt(app, { email, password: demoPassword, ip: same });
      t.equal(answer.status, 429, same);
      t.ok(retryAfter(answer) > 3500 && retryAfter(answer) <= 3601);
    }
    t.equal(
      (await attempt(app, { email, ip: '2001:db8:1:3::1' })).status,
      401,
      'the one next door is another',
    );
    const known = await attempt(app, { email: 'ada@acme.test', password: demoPassword, ip, browser: home });
    t.match(known.json(), { step: 'done' }, 'a known browser is no stranger there');
    app.advance(3600);
    t.equal((await attempt(app, { email, ip })).status, 401, 'an hour later it begins anew');
  });

  t.test('a network that has nothing left uses up no address', async (t) => {
    const { email } = await makeUser(ctx);
    const ip = '198.51.100.7';
    await useUpNetwork(app, ip);
    for (let time = 0; time < free + 1; time += 1) t.equal((await attempt(app, { email, ip })).status, 429);
    await fail(app, free, { email });
  });

  t.test('a right password costs its network nothing', async (t) => {
    const ip = '198.51.100.8';
    await useUpNetwork(app, ip, 1);
    for (let time = 0; time < 3; time += 1) {
      const { email } = await makeUser(ctx);
      t.match((await attempt(app, { email, password: demoPassword, ip })).json(), { step: 'denied' });
    }
  });

  t.test('LG-01 refusals are on the audit trail, once an hour', async (t) => {
    const { id, email } = await makeUser(ctx);
    const since = ctx.now();
    const refuse = async (who: string) => {
      for (let time = 0; time < 3; time += 1) t.equal((await attempt(app, { email: who })).status, 429);
    };
    await fail(app, free, { email });
    await fail(app, free, { email: 'unheard@example.test' });
    await refuse(email);
    await refuse('unheard@example.test');
    const events = await ctx.db
      .selectFrom('events')
      .select(['userId', 'details'])
      .where('type', '=', 'sign_in.throttled')
      .where('occurredAt', '>=', since)
      .orderBy('id')
      .execute();
    const details = { budget: 'wrong passwords of an email' };
    t.same(events, [
      { userId: id, details },
      { userId: null, details },
    ]);
  });

  t.test('names nobody in the table', async (t) => {
    const { email } = await makeUser(ctx);
    await fail(app, 1, { email, ip: '203.0.113.77' });
    const { rows } = await sql<{ row: string }>`select throttles::text as row from throttles`.execute(ctx.db);
    t.ok(rows.length > 0);
    for (const known of [email, '203.0.113.77']) {
      for (const form of [known, sha256(known).toString('hex'), Buffer.from(known).toString('hex')]) {
        t.notOk(rows.some(({ row }) => row.includes(form)));
      }
    }
  });

  t.test('is deleted when it has ended, and not before', async (t) => {
    const { email } = await makeUser(ctx);
    await fail(app, free, { email });
    await app.runJob('prune');
    t.equal((await attempt(app, { email })).status, 429);
    app.advance(366 * 86_400);
    await app.runJob('prune');
    t.same(await ctx.db.selectFrom('throttles').select('taken').execute(), []);
  });

  t.test('RC-14 has ended when its time is over, deleted or not', async (t) => {
    const budget = { name: 'of this test', limit: 2, windowSeconds: 60 };
    const take = () => inTransaction(ctx, (tx) => takeFromBudget(tx, budget, 'somebody'));
    t.same([await take(), await take()], [undefined, undefined]);
    const wait = (await take()) ?? 0;
    t.ok(wait > 50 && wait <= 61);
    t.equal(await inTransaction(ctx, (tx) => takeFromBudget(tx, budget, 'somebody else')), undefined);
    app.advance(59);
    t.not(await take(), undefined, 'the window began with the first');
    app.advance(1);
    t.equal(await take(), undefined);
  });
});

t.test('of tries that are counted and given back at once, none is in the way of another', async (t) => {
  const { ctx } = await startApp(t, { demo: false });
  const origin = { ip: '198.51.100.7' };
  const failures: unknown[] = [];
  const tryAndGiveBack = async (index: number): Promise<void> => {
    const email = parseEmail(`somebody-${index % 20}@example.test`);
    if (!email) throw new Error('no address');
    const counted = await countTry({ ...ctx, origin }, { email, browser: undefined, userId: undefined });
    await giveBackTry(ctx, counted);
  };
  for (let round = 0; round < 10; round += 1)
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        tryAndGiveBack(index).catch((error: unknown) => failures.push(error)),
      ),
    );
  t.same(failures, []);
});

t.test('AU-02 the count survives a restart', async (t) => {
  const databaseUrl = await createDatabase(t);
  const email = 'ada@acme.test';
  await t.test('before', async (t) => {
    await fail(await startThrottled(t, databaseUrl), free, { email });
  });
  await t.test('after', async (t) => {
    const app = await startThrottled(t, databaseUrl);
    t.equal((await attempt(app, { email, password: demoPassword })).status, 429);
  });
});

t.test('AU-03 two hundred guesses at once on two replicas', async (t) => {
  const { origins, issuer, ctx } = await startReplicas(t, {
    count: 2,
    databaseUrl: await createDatabase(t),
    // this is about what is counted, and not about how fast the machine is
    env: { PASSWORD_WAIT_SECONDS: '60', DATABASE_WAIT_SECONDS: '60' },
  });
  const party = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const browser = new Agent(issuer);
  const { url } = await toStep(browser, (await party.start()).url);
  const path = `${new URL(url).pathname}/password`;

  /** All of them are sent before the first is answered. */
  const guessAtOnce = async (emailOf: (index: number) => string) => {
    const began = Date.now();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => {
        const guesser = new Agent(origins[index % origins.length] ?? issuer);
        guesser.cookies = browser.cookies;
        const json = { email: emailOf(index), password: `${wrong} ${index}` };
        return guesser.post(path, { json, headers: { origin: issuer } });
      }),
    );
    const statuses = Map.groupBy(answers, ({ status }) => status);
    return {
      evaluated: statuses.get(401)?.length ?? 0,
      refused: statuses.get(429)?.length ?? 0,
      seconds: (Date.now() - began) / 1000,
    };
  };

  t.test('for one address: as many as one after the other', async (t) => {
    const { evaluated, refused, seconds } = await guessAtOnce(() => 'ada@acme.test');
    const allowed = [5, 15, 35, 75].filter((opensAt) => opensAt <= seconds).length;
    t.ok(evaluated >= free && evaluated <= free + allowed, `${evaluated} in ${seconds} s`);
    t.equal(evaluated + refused, 200);
    const counts = await ctx.db.selectFrom('throttles').select('taken').orderBy('taken').execute();
    t.same(counts, [{ taken: evaluated }, { taken: 200 }], 'of the address, and of the network');
  });

  t.test('from one network with ten left: ten', async (t) => {
    await ctx.db.updateTable('throttles').set({ taken: 290 }).where('taken', '=', 200).execute();
    const { evaluated, refused } = await guessAtOnce((index) => `somebody-${index}@acme.test`);
    t.same([evaluated, refused], [10, 190]);
  });
});

/** As if all but `left` of the tries of this network had been wrong in the last moments. */
async function useUpNetwork(app: TestApp, ip: string, left = 0): Promise<void> {
  const buckets = async () => {
    const rows = await app.ctx.db.selectFrom('throttles').select(['bucket', 'endsAt']).execute();
    const isSoon = ({ endsAt }: { endsAt: Date }) =>
      endsAt.getTime() < app.ctx.now().getTime() + 3_600_000 + 1;
    return rows.filter(isSoon).map(({ bucket }) => bucket.toString('hex'));
  };
  const before = await buckets();
  await fail(app, 1, { email: 'passer-by@example.test', ip });
  const [bucket = ''] = (await buckets()).filter((one) => !before.includes(one));
  await app.ctx.db
    .updateTable('throttles')
    .set({ taken: 300 - left })
    .where('bucket', '=', Buffer.from(bucket, 'hex'))
    .execute();
  await inTransaction(app.ctx, (tx) =>
    clearThrottle(tx, parseEmail('passer-by@example.test') ?? ('' as never)),
  );
}
