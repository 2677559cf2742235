/**
 * Invariant 5, at the password: whoever has proven nothing does not learn whether an address has a user. Each person
 * is compared with a stranger, whose address is as long and of the same domain, because that alone may make a
 * difference: the answers must be equal to the byte, and the work behind them to the statement.
 */
import argon2 from 'argon2';
import t from 'tap';
import { denialCodes } from '../../src/core/access/access.ts';
import { demoPassword } from '../../src/demo/world.ts';
import { Agent, type Answer, type Send } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { demoUserId, makeUser } from '../support/make.ts';
import { callbackParams, demoClient, RelyingParty, toStep } from '../support/relying-party.ts';
import { overhearStatements } from '../support/statements.ts';

const wrong = 'not the password of anybody';

type Typed = Readonly<Record<string, string>>;

interface Trial {
  readonly accept: string;
  readonly send: (email: string) => Send;
}

/** How a password is sent: the two faces, with a wrong password and with none. */
const tries: Readonly<Record<string, Trial>> = {
  'a wrong password as JSON': json((email) => ({ email, password: wrong })),
  'no password as JSON': json((email) => ({ email })),
  'a wrong password in the form': form((email) => ({ email, password: wrong })),
  'no password in the form': form((email) => ({ email, password: '' })),
};

const people: Readonly<Record<string, string>> = {
  'ada@acme.test': 'active',
  'off@acme.test': 'switched off in their account',
  'gone@acme.test': 'deactivated',
  'invited@acme.test': 'not activated',
  'gina@globex.test': 'without a password',
  'greg@globex.test': 'the admin for the day the company sign-in is broken',
  'lonely@nowhere.test': 'without an account',
};

t.test('the password step', async (t) => {
  const { databaseUrl, take: takeStatements } = await overhearStatements(t, await createDatabase(t));
  const { issuer, ctx } = await startApp(t, { databaseUrl, env: { TRUSTED_PROXIES: '127.0.0.1' } });
  await makeUser(ctx, { email: 'gone@acme.test', state: 'deactivated' });
  const takeVerified = t.capture(argon2, 'verify', argon2.verify);
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const denied = {
    user_deactivated: (await makeUser(ctx, { state: 'deactivated' })).email,
    user_not_activated: (await makeUser(ctx, { state: 'invited' })).email,
    no_account: (await makeUser(ctx)).email,
    account_lapsed: 'lea@lapsed.test',
    no_seat: 'noseat@acme.test',
  };
  let networks = 0;

  /** One try in a fresh browser, on a network of its own: everything the browser sees, and the work it caused. */
  const attempt = async (email: string, { accept, send }: Trial) => {
    const browser = new Agent(issuer, accept);
    const { url } = await toStep(browser, (await assist.start()).url);
    const headers = { 'x-forwarded-for': `192.0.2.${(networks += 1)}` };
    takeStatements();
    takeVerified();
    const answer = await browser.post(`${url}/password`, { ...send(email), headers });
    const statements = takeStatements().filter((text) => !readsClient(text));
    const verified = takeVerified().map(({ args: [digest] }) => costOf(digest));
    const standing = await browser.get(url);
    const seen = [answer, standing].map((one) => withoutIds(one, { email, url }));
    return { browser, url, answer, seen, statements, verified };
  };

  for (const [email, state] of Object.entries(people)) {
    for (const [how, trial] of Object.entries(tries)) {
      t.test(`${how}: ${email} (${state}) and a stranger are one to the outside`, async (t) => {
        t.ok(await demoUserId(ctx, email));
        await t.rejects(demoUserId(ctx, strangerTo(email)), 'the other is nobody');
        const person = await attempt(email, trial);
        const stranger = await attempt(strangerTo(email), trial);
        // the domain alone says that no password does there
        const refusal = email.endsWith('@globex.test') ? 403 : 401;
        t.equal(person.answer.status, trial.accept === 'text/html' ? 303 : refusal);
        t.same(person.seen, stranger.seen, 'status, headers and body, and the step that stands then');
        t.same(person.statements, stranger.statements, 'the same statements');
        t.ok(person.statements.some((text) => text.includes('"users"')));
        t.equal(person.verified.length, 1, 'one hash');
        t.same(person.verified, stranger.verified, 'as expensive');
      });
    }
  }

  t.test('no try has mailed anybody, and each is on the audit trail alike', async (t) => {
    // but for the one that the demo world begins with
    const mails = await ctx.db.selectFrom('mailOutbox').select('template').execute();
    t.same(mails, [{ template: 'invitation' }]);
    const events = await ctx.db
      .selectFrom('events')
      .select('details')
      .where('type', '=', 'sign_in.failed')
      .execute();
    const [byDomain, others] = [true, false].map((required) =>
      events.filter(({ details }) => 'code' in (details as object) === required),
    );
    t.same(others, Array(networks - 16).fill({ details: { method: 'pwd' } }));
    t.same(byDomain, Array(16).fill({ details: { method: 'pwd', code: 'sso_required' } }));
  });

  for (const [code, email] of Object.entries(denied)) {
    t.test(`${code} is told after the right password, and never after a wrong one`, async (t) => {
      const failed = await attempt(
        email,
        json(() => ({ email, password: wrong })),
      );
      t.match(failed.answer.json(), { status: 401, code: 'invalid_credentials', step: { step: 'identify' } });
      t.same(codesIn(failed.seen), []);
      const left = await failed.browser.post(`${failed.url}/abort`);
      const back = callbackParams(await failed.browser.follow(left.json().location));
      t.equal(back.get('error'), 'access_denied');
      t.same(codesIn(Object.fromEntries(back)), [], 'nor does the client learn it');

      const right = await attempt(
        email,
        json(() => ({ email, password: demoPassword })),
      );
      t.match(right.answer.json(), { step: 'denied', code });
      t.same(codesIn(right.seen), [code]);
    });
  }
});

function json(typed: (email: string) => Typed): Trial {
  return { accept: 'application/json', send: (email) => ({ json: typed(email) }) };
}

function form(typed: (email: string) => Typed): Trial {
  return { accept: 'text/html', send: (email) => ({ form: typed(email) }) };
}

/** As long, of the same domain, and nobody's. */
function strangerTo(email: string): string {
  return email.replace(/^./, 'x');
}

/** All that a browser sees, but for what differs with every request, whoever asks. */
function withoutIds(answer: Answer, { email, url }: { email: string; url: string }) {
  const masks: [string | RegExp, string][] = [
    [email, '<email>'],
    [url.slice(url.lastIndexOf('/') + 1), '<uid>'],
    [answer.headers.get('x-request-id') ?? '', '<request>'],
    [/\b[0-9A-Z]{4}-[0-9A-Z]{4}\b/g, '<case>'],
    [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>'],
  ];
  const masked = (text: string) => masks.reduce((rest, [what, name]) => rest.replaceAll(what, name), text);
  const headers = Array.from(answer.headers, ([name, value]) => {
    if (name === 'date') return name;
    return `${name}: ${name === 'set-cookie' ? value.replaceAll(/=[^;]*/g, '') : masked(value)}`;
  });
  return { status: answer.status, headers, text: masked(answer.text) };
}

/** What a verification costs: the parameters of its digest, and the lengths of salt and hash. */
function costOf(digest: string): string {
  const [, type, version, parameters, salt = '', hash = ''] = digest.split('$');
  return [type, version, parameters, salt.length, hash.length].join('$');
}

/** The client is kept in memory, and read again every few seconds: at whoever's request that happens to be. */
function readsClient(statement: string): boolean {
  return statement.includes('from "clients" left join "products"');
}

function codesIn(seen: unknown): string[] {
  const text = JSON.stringify(seen);
  return denialCodes.filter((code) => text.includes(code));
}
