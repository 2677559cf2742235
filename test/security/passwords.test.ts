/** PW-01 to PW-10: which passwords are taken, how they are kept, and what becomes of hashes of other systems. */
import argon2 from 'argon2';
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import {
  hashPassword,
  importPasswordHash,
  judgePassword,
  updatePassword,
} from '../../src/core/credentials/credentials.ts';
import type { UserId } from '../../src/kernel/ids.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { demoUserId, makeUser } from '../support/make.ts';
import { demoClient, RelyingParty, submitPassword, toStep } from '../support/relying-party.ts';

async function attempt({ issuer }: TestApp, email: string, password: unknown): Promise<Answer> {
  const browser = new Agent(issuer);
  const party = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const { url } = await toStep(browser, (await party.start()).url);
  return browser.post(`${url}/password`, { json: { email, password } });
}

/** The right password leads on, here to a denial for want of an account. */
async function isRight(app: TestApp, email: string, password: string): Promise<boolean> {
  const { status, text } = await attempt(app, email, password);
  if (status !== 200 && status !== 401) throw new Error(`answered ${status}: ${text}`);
  return status === 200;
}

async function storedHash({ ctx }: TestApp, userId: UserId): Promise<string> {
  const { hash } = await ctx.db
    .selectFrom('passwords')
    .select('hash')
    .where('userId', '=', userId)
    .executeTakeFirstOrThrow();
  return hash;
}

async function setHash({ ctx }: TestApp, userId: UserId, hash: string): Promise<void> {
  await inTransaction(ctx, (tx) => updatePassword(tx, userId, hash));
}

async function rehashEvents({ ctx }: TestApp, userId: UserId) {
  return ctx.db
    .selectFrom('events')
    .select('details')
    .where('type', '=', 'password.rehashed')
    .where('userId', '=', userId)
    .execute();
}

t.test('a password', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;

  t.test('PW-02 of 128 code points counts to its last letter, and each letter is itself', async (t) => {
    const password = Array.from({ length: 128 }, (_, index) =>
      index % 3 ? 'kvQz Wjb F'.charAt(index % 10) : '😀',
    ).join('');
    t.equal(Array.from(password).length, 128);
    t.equal(await judgePassword(password, { words: [] }), undefined);
    const { email } = await makeUser(ctx, { password });
    t.ok(await isRight(app, email, password));
    t.notOk(await isRight(app, email, `${password.slice(0, -1)}x`), 'the last letter changed');
    t.notOk(await isRight(app, email, password.slice(0, -1)), 'the last letter missing');
    t.notOk(await isRight(app, email, password.toLowerCase()), 'another case');
    t.notOk(await isRight(app, email, password.replaceAll(' ', '')), 'without its spaces');
  });

  t.test('PW-02 is not hashed together with the address: a long one takes nothing away', async (t) => {
    const local = 'a'.repeat(64);
    const domain = `${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(50)}.test`;
    const { email } = await makeUser(ctx, { email: `${local}@${domain}` });
    t.notOk(await isRight(app, email, 'anything but the right one'));
  });

  t.test('PW-03 that is too long is refused before anything is hashed', async (t) => {
    const takeVerified = t.capture(argon2, 'verify', argon2.verify);
    const { email } = await makeUser(ctx);
    for (const [length, status] of [
      [1025, 400],
      [10_000, 400],
      [1_000_000, 413],
    ] as const) {
      t.equal((await attempt(app, email, 'x'.repeat(length))).status, status, `${length}`);
    }
    t.same(takeVerified(), []);
    t.equal((await attempt(app, email, 'x'.repeat(1024))).status, 401);
    t.equal(takeVerified().length, 1);
  });

  t.test('PW-04 is the same however its letters were composed', async (t) => {
    const password = 'élève à Genève où';
    const { email } = await makeUser(ctx, { password: password.normalize('NFC') });
    t.ok(await isRight(app, email, password.normalize('NFD')));
    const { email: other } = await makeUser(ctx, { password: password.normalize('NFD') });
    t.ok(await isRight(app, other, password.normalize('NFC')));
    t.notOk(await isRight(app, other, 'eleve a Geneve ou'));
  });

  t.test('PW-06 asks for no other fields: no hint, no question', async (t) => {
    const browser = new Agent(app.issuer);
    const party = new RelyingParty(app.issuer, demoClient(app.issuer, 'assist'));
    const step = (await toStep(browser, (await party.start()).url)).json();
    t.same(
      step.actions.password.fields.map(({ name }: { name: string }) => name),
      ['email', 'password'],
    );
  });

  t.test('PW-07 is kept as argon2id with at least OWASP’s parameters', async (t) => {
    const { id } = await makeUser(ctx);
    const [, type, , parameters = ''] = (await storedHash(app, id)).split('$');
    const { m, t: time, p } = Object.fromEntries(parameters.split(',').map((pair) => pair.split('=')));
    t.equal(type, 'argon2id');
    t.ok(Number(m) >= 19 * 1024 && Number(time) >= 2 && Number(p) >= 1);
  });

  t.test(
    'PW-07 is hashed anew when the parameters have grown, once, and only by the right one',
    async (t) => {
      const { id, email } = await makeUser(ctx, { password: null });
      const old = await argon2.hash('an old password of this person', {
        memoryCost: 8192,
        timeCost: 2,
        parallelism: 1,
      });
      await setHash(app, id, old);
      const { changedAt } = await passwordRow(app, id);
      t.notOk(await isRight(app, email, 'a wrong password of this person'));
      t.equal(await storedHash(app, id), old);
      t.ok(await isRight(app, email, 'an old password of this person'));
      const hash = await storedHash(app, id);
      t.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$|^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
      t.ok(await isRight(app, email, 'an old password of this person'));
      t.equal(await storedHash(app, id), hash, 'once');
      t.same(await rehashEvents(app, id), [{ details: { from: 'argon2id' } }]);
      t.same((await passwordRow(app, id)).changedAt, changedAt, 'the password itself is as old as before');
    },
  );

  t.test('PW-08 never hashes more at once than the gate lets in', async (t) => {
    const { email } = await makeUser(ctx);
    let [now, most] = [0, 0];
    t.intercept(argon2, 'verify', {
      value: async (...args: Parameters<typeof verify>) => {
        most = Math.max(most, (now += 1));
        return verify(...args).finally(() => (now -= 1));
      },
    });
    const tries = Array.from({ length: 40 }, (_, index) =>
      attempt(app, `somebody-${index}@example.test`, 'wrong'),
    );
    const statuses = (await Promise.all([...tries, attempt(app, email, 'wrong')])).map(
      ({ status }) => status,
    );
    t.ok(statuses.every((status) => status === 401 || status === 503));
    t.ok(most >= 1 && most <= 3, `${most} at once`);
  });
});

const verify = argon2.verify.bind(argon2);

function passwordRow({ ctx }: TestApp, userId: UserId) {
  return ctx.db
    .selectFrom('passwords')
    .select('changedAt')
    .where('userId', '=', userId)
    .executeTakeFirstOrThrow();
}

/** As other systems made them, of "correct horse" and "password". */
const imported = {
  '2b': ['correct horse', '$2b$06$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC'],
  '2y': ['correct horse', '$2y$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu'],
  scrypt: [
    'password',
    '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
  ],
  'pbkdf2-sha256': [
    'password',
    '$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ',
  ],
  'pbkdf2-sha512': [
    'password',
    '$pbkdf2-sha512$i=4096$c2FsdA$0Zexsz2wFD4BixLz0dFHnmzevcyXxcD4f2kC4HL0V7UUPzBgJkGz1VzTNZiMs2uEN2Bg7NUy4Dm3QqI5Q0ry1Q',
  ],
} as const;

t.test('a hash of another system', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;

  for (const [scheme, [password, hash]] of Object.entries(imported)) {
    t.test(`${scheme} lets its person in, and is one of ours from then on`, async (t) => {
      const { id, email } = await makeUser(ctx, { password: null });
      await inTransaction(ctx, (tx) => importPasswordHash(tx, id, hash));
      const takeVerified = t.capture(argon2, 'verify', argon2.verify);
      t.notOk(await isRight(app, email, `${password}!`));
      t.equal(takeVerified().length, 1, 'one verification of argon2, as for everybody');
      t.equal(await storedHash(app, id), hash);
      t.ok(await isRight(app, email, password));
      t.match(await storedHash(app, id), /^\$argon2id\$/);
      t.ok(await isRight(app, email, password));
      t.notOk(await isRight(app, email, `${password}!`));
      t.same(await rehashEvents(app, id), [{ details: { from: scheme } }]);
    });
  }

  t.test('that is not one of these, or costs too much, is refused and nothing is written', async (t) => {
    const { id } = await makeUser(ctx, { password: null });
    for (const hash of [
      'correct horse',
      '$1$salt$qJH7.N4xYta3aEG/dfqo/0',
      `$2b$20${imported['2b'][1].slice(6)}`,
    ]) {
      await t.rejects(
        inTransaction(ctx, (tx) => importPasswordHash(tx, id, hash)),
        { code: 'invalid_input', fields: { password_hash: String } },
      );
    }
    await t.rejects(storedHash(app, id));
  });

  t.test('is on the audit trail, without the hash', async (t) => {
    const { id } = await makeUser(ctx, { password: null });
    await inTransaction(ctx, (tx) => importPasswordHash(tx, id, imported.scrypt[1]));
    const events = await ctx.db
      .selectFrom('events')
      .select(['type', 'details'])
      .where('userId', '=', id)
      .execute();
    t.same(events, [{ type: 'password.imported', details: { from: 'scrypt' } }]);
  });

  t.test('that was replaced while it was verified stays replaced', async (t) => {
    const { id, email } = await makeUser(ctx, { password: null });
    await inTransaction(ctx, (tx) => importPasswordHash(tx, id, imported.scrypt[1]));
    const fresh = await hashPassword(ctx, 'a password that was set meanwhile');
    t.intercept(argon2, 'hash', {
      value: async (...args: Parameters<typeof argon2.hash>) => {
        await setHash(app, id, fresh);
        return hash(...args);
      },
    });
    await isRight(app, email, 'password');
    t.equal(await storedHash(app, id), fresh);
    t.same(await rehashEvents(app, id), []);
  });
});

const hash = argon2.hash.bind(argon2);

t.test('the old password, proven while a reset is being written, opens no session', async (t) => {
  const app = await startApp(t);
  const { ctx, issuer } = app;
  const alan = await demoUserId(ctx, 'alan@acme.test');
  const hash = await hashPassword(ctx, 'what the owner is just setting');
  const started = await new RelyingParty(issuer, demoClient(issuer, 'assist')).start();
  const browser = new Agent(issuer);
  const step = await toStep(browser, started.url);
  const done = await inTransaction(ctx, async (tx) => {
    await updatePassword(tx, alan, hash);
    return submitPassword(browser, step, 'alan@acme.test');
  });
  t.match(done.json(), { step: 'done' }, 'it was still theirs');
  const back = await browser.follow((done.json() as { location: string }).location);
  t.notMatch(back.location ?? '', 'code=');
  t.same(await ctx.db.selectFrom('sessions').select('uid').where('userId', '=', alan).execute(), []);
});
