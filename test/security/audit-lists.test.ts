/** Invariant 8 and LG-01, as they are read: an account's trail and its sign-ins are its own, whole, and in pages. */
import t from 'tap';
import type { Context } from '../../src/context.ts';
import { inTransaction } from '../../src/context.ts';
import { type EventFilter, listEvents, recordEvent } from '../../src/core/audit/audit.ts';
import { listSignIns, type SignInFilter, signInOutcomes } from '../../src/core/sign-ins/sign-ins.ts';
import type { AccountId } from '../../src/kernel/ids.ts';
import { addSeconds } from '../../src/kernel/time.ts';
import { demoParty } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { signInByCompany } from '../support/company.ts';
import { driveCompanySignIns } from '../support/company-events.ts';
import { demoUserId, makeMember, makeUser } from '../support/make.ts';
import { submitPassword, toStep } from '../support/relying-party.ts';

async function accountBy(ctx: Context, name: string): Promise<AccountId> {
  const query = ctx.db.selectFrom('accounts').select('id').where('slug', '=', name);
  return (await query.executeTakeFirstOrThrow()).id;
}

/** Everything, page by page. */
async function inPages<Item extends { readonly id: string }>(
  list: (window: { after?: string | undefined; limit: number }) => Promise<Item[]>,
): Promise<Item[]> {
  const all: Item[] = [];
  for (
    let page = await list({ limit: 2 });
    page.length > 0;
    page = await list({ after: all.at(-1)?.id, limit: 2 })
  )
    all.push(...page);
  return all;
}

t.test('the trail as it is read', async (t) => {
  const app = await startApp(t);
  const { ctx, issuer } = app;
  const assist = demoParty(issuer, 'assist');
  const come = async (email: string, password?: string, extra = {}) => {
    const browser = new Agent(issuer);
    const step = await toStep(browser, (await assist.start(extra)).url);
    const answer = await submitPassword(browser, step, email, password);
    const body = answer.json() as { location?: string; actions?: Record<string, { href: string }> };
    if (body.location !== undefined) await browser.follow(body.location);
    return (action: string) => browser.post(body.actions?.[action]?.href ?? '');
  };
  const [acme, lapsed, initech] = await Promise.all(
    ['acme', 'lapsed', 'initech'].map((it) => accountBy(ctx, it)),
  );
  if (!acme || !lapsed || !initech) throw new Error('the demo world is not there');
  const signIns = (filter: Omit<SignInFilter, 'limit'>) => listSignIns(ctx.db, { limit: 1000, ...filter });
  const events = (filter: Omit<EventFilter, 'limit'>) => listEvents(ctx.db, { limit: 1000, ...filter });

  await come('ada@acme.test');
  await come('alan@acme.test', 'wrong');
  const act = await come('noseat@acme.test');
  await act('abort');
  await come('lea@lapsed.test');
  await come('multi@acme.test', 'wrong');
  await come('multi@acme.test', undefined, { account: 'initech' });
  for (let guess = 0; guess < 6; guess += 1) await come('ian@initech.test', `wrong ${guess}`);
  await driveCompanySignIns(app);

  t.test('every attempt of an account’s people, the newest first', async (t) => {
    t.match(await signIns({ accountId: acme }), [
      {
        outcome: 'failed',
        code: 'invalid_credentials',
        stage: 'identify',
        way: { method: 'password' },
        email: 'multi@acme.test',
        caseId: /^\w{4}-\w{4}$/,
      },
      {
        outcome: 'aborted',
        code: 'no_seat',
        stage: 'denied',
        way: { method: 'password' },
        email: 'noseat@acme.test',
      },
      {
        outcome: 'denied',
        code: 'no_seat',
        stage: 'access',
        way: { method: 'password' },
        caseId: /^\w{4}-\w{4}$/,
      },
      { outcome: 'failed', email: 'alan@acme.test', ip: /127\.0\.0\.1/ },
      {
        outcome: 'signed_in',
        code: null,
        stage: 'done',
        way: { method: 'password' },
        userId: await demoUserId(ctx, 'ada@acme.test'),
        email: 'ada@acme.test',
        name: String,
        clientId: 'demo-assist',
        caseId: null,
        at: Date,
      },
    ]);
    t.equal((await signIns({ accountId: acme })).length, 5);
    t.match(await signIns({ accountId: lapsed }), [
      { outcome: 'denied', code: 'account_lapsed', email: 'lea@lapsed.test' },
    ]);
    const [throttled] = await signIns({ accountId: initech, outcome: 'throttled' });
    t.match(throttled, { code: 'throttled', way: { method: 'password' }, email: 'ian@initech.test' });
  });

  t.test('says by which connection somebody came, and why one was refused', async (t) => {
    const globex = await accountBy(ctx, 'globex');
    const browser = new Agent(issuer);
    const done = await signInByCompany(
      browser,
      await toStep(browser, (await assist.start()).url),
      'gina@globex.test',
    );
    await browser.follow((done.json() as { location: string }).location);
    const way = { method: 'connection', connectionId: /^con_/, label: 'Globex Corp' };
    t.match(await signIns({ accountId: globex }), [{ outcome: 'signed_in', email: 'gina@globex.test', way }]);

    const query = ctx.db.selectFrom('domains').select('accountId').where('name', '=', 'driven.test');
    const { accountId } = await query.executeTakeFirstOrThrow();
    t.match(await signIns({ accountId }), [
      { outcome: 'denied', email: 'chief@driven.test', way: { method: 'password' } },
      {
        outcome: 'refused',
        way: { method: 'connection', connectionId: /^con_/, label: 'Company driven.test' },
        code: 'saml_signature',
        stage: 'response',
        caseId: String,
        email: null,
        userId: null,
      },
    ]);
  });

  t.test('is narrowed by person and by outcome', async (t) => {
    const userId = await demoUserId(ctx, 'noseat@acme.test');
    const outcomes = (await signIns({ accountId: acme, userId })).map(({ outcome }) => outcome);
    t.same(outcomes, ['aborted', 'denied']);
    for (const outcome of signInOutcomes) {
      const found = await signIns({ accountId: acme, outcome });
      t.ok(found.every((attempt) => attempt.outcome === outcome));
    }
    t.same(await signIns({ accountId: lapsed, userId }), [], 'somebody of another account');
  });

  t.test('AZ-06: what a person does in another account is not among it, and their own is', async (t) => {
    const userId = await demoUserId(ctx, 'multi@acme.test');
    const [here, there] = [
      await signIns({ accountId: acme, userId }),
      await signIns({ accountId: initech, userId }),
    ];
    t.same(
      here.map(({ outcome }) => outcome),
      ['failed'],
    );
    t.same(
      there.map(({ outcome }) => outcome),
      ['signed_in', 'failed'],
      'a wrong password belongs to no account',
    );
  });

  t.test('AZ-06: what a person did before they were a member is nobody’s business', async (t) => {
    const user = await makeUser(ctx, { email: 'later@made.test' });
    await come(user.email, 'wrong');
    app.advance(60);
    await makeMember(ctx, user.id, lapsed);
    const of = { accountId: lapsed, userId: user.id };
    t.same(await signIns(of), []);
    await come(user.email, 'wrong again');
    t.equal((await signIns(of)).length, 1);
    await ctx.db.deleteFrom('memberships').where('userId', '=', user.id).execute();
    t.same(await signIns(of), [], 'nor is what they do when they have left');
  });

  t.test('AZ-06: the events of an account are its own, whatever else is asked for', async (t) => {
    const everything = await events({});
    for (const accountId of [acme, lapsed, initech]) {
      const own = await events({ accountId });
      t.same(
        own.map(({ id }) => id),
        everything.filter((event) => event.accountId === accountId).map(({ id }) => id),
      );
      for (const { id, type, caseId, requestId, userId } of everything.filter(
        (it) => it.accountId !== accountId,
      )) {
        if (caseId !== null) t.notOk((await events({ accountId, caseId })).some((it) => it.id === id));
        if (requestId !== null) t.notOk((await events({ accountId, requestId })).some((it) => it.id === id));
        if (userId !== null) t.notOk((await events({ accountId, userId, type })).some((it) => it.id === id));
      }
    }
  });

  t.test('names who did it, be it a person or a client', async (t) => {
    const [newest] = await events({ type: 'user.signed_in', accountId: acme });
    t.match(newest, { actorName: String, userName: newest?.actorName, details: { methods: ['pwd'] } });
    const origin = { actorId: 'demo-operator', requestId: 'request-1234', ip: '192.0.2.7' };
    const details = { name: 'kept' };
    await inTransaction({ ...ctx, origin }, (tx) =>
      recordEvent(tx, { type: 'seat.assigned', accountId: acme, details }),
    );
    t.match(await events({ requestId: 'request-1234' }), [
      { actorId: 'demo-operator', actorName: String, userName: null, ip: '192.0.2.7', details },
    ]);
    await inTransaction({ ...ctx, origin: { ...origin, requestId: 'request-5678' } }, (tx) =>
      recordEvent(tx, { type: 'domain.disputed', accountId: acme, actorId: null }),
    );
    const hidden = await events({ requestId: 'request-5678' });
    t.match(hidden, [{ actorId: null, actorName: null, ip: null }], 'where the account must not learn who');
  });

  t.test('a range of time has its beginning and not its end', async (t) => {
    const all = await events({});
    const middle = all[Math.floor(all.length / 2)];
    if (!middle) throw new Error('there are no events');
    const at = middle.occurredAt;
    const [before, from] = [await events({ to: at }), await events({ from: at })];
    t.equal(before.length + from.length, all.length);
    t.ok(from.some(({ id }) => id === middle.id));
    t.ok(before.every(({ occurredAt }) => occurredAt < at));
    const within = await events({ from: at, to: addSeconds(at, 0.001) });
    t.ok(within.length > 0 && within.every(({ occurredAt }) => occurredAt.getTime() === at.getTime()));
  });

  t.test('pages have no gaps and nothing twice', async (t) => {
    const all = await events({});
    t.same(await inPages((window) => listEvents(ctx.db, window)), all);
    t.same(
      all.map(({ id }) => id),
      all
        .map(({ id }) => id)
        .sort()
        .reverse(),
    );
    const attempts = await signIns({ accountId: initech });
    t.ok(attempts.length > 5);
    t.same(await inPages((window) => listSignIns(ctx.db, { accountId: initech, ...window })), attempts);
  });
});
