/** Requests of one browser that cross: each has read the session before any of them writes it. */
import { sql } from 'kysely';
import t from 'tap';
import { type Context, inTransaction, type Tx } from '../../src/context.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { signIn, toStep } from '../support/relying-party.ts';
import { demoParty, post, refreshForm, signOut } from './requests.ts';

const person = 'alan@acme.test';

t.test('requests that cross', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const assist = demoParty(issuer, 'assist');
  const meet = demoParty(issuer, 'meet');

  const signedIn = async () => {
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, person);
    const uid = await newestSession(ctx);
    return { browser, tokens, uid, hint: tokens.id_token ?? '' };
  };
  const grantsOf = async (clientId: string): Promise<string[]> => {
    const rows = await ctx.db.selectFrom('grants').select('id').where('clientId', '=', clientId).execute();
    return rows.map(({ id }) => id);
  };

  t.test('a client that is entered in two tabs at once has one grant and one sid', async (t) => {
    const { browser, uid, hint } = await signedIn();
    const tabs = [await meet.start(), await meet.start()];
    const answers = await cross(
      ctx,
      uid,
      tabs.map(
        ({ url }) =>
          () =>
            browser.get(url.href),
      ),
    );
    t.same(
      answers.map(({ status }) => status),
      [303, 303],
    );
    t.equal(
      answers[1]?.location,
      tabs[1]?.url.href,
      'the second is asked again, and finds what the first made',
    );
    t.equal(answers[1]?.headers.get('set-cookie'), null);
    const tokens = [];
    for (const [tab, started] of tabs.entries()) {
      const { location = '' } = answers[tab] ?? {};
      const back = location === started.url.href ? await browser.get(location) : answers[tab];
      tokens.push(await meet.finish(back?.location, started));
    }
    t.equal((await grantsOf('demo-meet')).length, 1);
    t.equal(new Set(tokens.map((set) => set.claims()?.['sid'])).size, 1);
    await signOut(t, browser, hint);
    t.same(await grantsOf('demo-meet'), [], 'and with the session it ends');
    for (const { refresh_token: token } of tokens)
      t.equal((await post(issuer, '/token', refreshForm(token, 'demo-meet'))).status, 400);
  });

  t.test('a sign-in that crosses another of its client goes on from where it stood', async (t) => {
    const { browser, uid } = await signedIn();
    const thirdParty = demoParty(issuer, 'third-party');
    const tabs = [];
    for (let tab = 0; tab < 2; tab += 1) {
      const started = await thirdParty.start();
      const { actions } = (await toStep(browser, started.url)).json() as {
        actions: Record<string, { href: string }>;
      };
      const done = await browser.post(actions['consent']?.href ?? '', { json: { granted: true } });
      tabs.push({ started, location: (done.json() as { location: string }).location });
    }
    const [first, second] = await cross(
      ctx,
      uid,
      tabs.map(
        ({ location }) =>
          () =>
            browser.get(location),
      ),
    );
    t.ok(first?.location?.startsWith(thirdParty.client.redirectUri));
    t.equal(second?.location, tabs[1]?.location, 'nothing of it is over');
    const back = await browser.get(second?.location ?? '');
    const started = tabs[1]?.started;
    if (started) t.ok((await thirdParty.finish(back.location, started)).access_token);
  });

  t.test('a client that is taken out of the session meanwhile is not brought back by another', async (t) => {
    const { browser, uid } = await signedIn();
    const confidential = demoParty(issuer, 'confidential');
    await browser.get((await meet.start()).url.href);
    const entered = await authorizationsOf(ctx, uid);
    const { url } = await confidential.start();
    const { answer } = await inTransaction(ctx, async (tx) => {
      await holdSession(tx, uid);
      const answer = browser.get(url.href);
      await untilWaiting(tx, 1);
      // as whoever ends the access of a client does
      await sql`update sessions set payload = payload #- '{authorizations,demo-meet}' where uid = ${uid}`.execute(
        tx.db,
      );
      return { answer };
    });
    await answer;
    const left = await authorizationsOf(ctx, uid);
    t.ok(entered.includes('demo-meet'));
    t.same(left, ['demo-assist', 'demo-confidential'], 'what was taken out stays out');
  });
});

/** Sends each once those before it wait for the row of the session, and then lets them write it in this order. */
async function cross(
  ctx: Context,
  uid: string,
  sends: readonly (() => Promise<Answer>)[],
): Promise<Answer[]> {
  const { answers } = await inTransaction(ctx, async (tx) => {
    await holdSession(tx, uid);
    const answers: Promise<Answer>[] = [];
    for (const send of sends) {
      answers.push(send());
      await untilWaiting(tx, answers.length);
    }
    return { answers };
  });
  return Promise.all(answers);
}

async function holdSession({ db }: Tx, uid: string): Promise<void> {
  await sql`select from sessions where uid = ${uid} for update`.execute(db);
}

/** Until so many connections wait for somebody's lock. */
async function untilWaiting({ db }: Tx, count: number): Promise<void> {
  for (;;) {
    const { rows } = await sql<{ waiting: number }>`select count(*)::int as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
    if ((rows[0]?.waiting ?? 0) >= count) return;
    // it is read once in a transaction, unless that is told to forget
    await sql`select pg_stat_clear_snapshot()`.execute(db);
  }
}

async function newestSession(ctx: Context): Promise<string> {
  const query = ctx.db.selectFrom('sessions').select('uid').orderBy('createdAt', 'desc');
  return (await query.executeTakeFirstOrThrow()).uid;
}

async function authorizationsOf(ctx: Context, uid: string): Promise<string[]> {
  const { rows } = await sql<{ clientId: string }>`
    select jsonb_object_keys(payload->'authorizations') as client_id from sessions where uid = ${uid}`.execute(
    ctx.db,
  );
  return rows.map(({ clientId }) => clientId).sort();
}
