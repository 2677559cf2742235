/** Requests of one browser that cross: each has read the session before any of them writes it. */
import { type RawBuilder, sql } from 'kysely';
import t from 'tap';
import { type Context, inTransaction, type Tx } from '../../src/context.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { countWaiting } from '../support/database.ts';
import { makeClient } from '../support/make.ts';
import { RelyingParty, signIn, toStep } from '../support/relying-party.ts';
import { assistApi, demoParty, post, refreshForm, signOut } from './requests.ts';

const person = 'alan@acme.test';
const meetApi = 'https://api.meet.test';

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

  t.test('two requests that widen one grant at once both have what they asked for', async (t) => {
    const clientId = 'widening';
    const redirectUri = `${issuer}/demo/widening/callback`;
    await makeClient(ctx, {
      clientId,
      name: clientId,
      firstParty: true,
      applicationType: 'web',
      authMethod: 'none',
      grantTypes: ['authorization_code'],
      redirectUris: [redirectUri],
      resources: [assistApi, meetApi],
      scopes: ['assist:read', 'meet:read'],
    });
    const party = new RelyingParty(issuer, { clientId, redirectUri, scope: 'openid' });
    const { browser, uid } = await signedIn();
    const entered = await party.start();
    await party.finish((await browser.get(entered.url.href)).location, entered);
    const asked = [
      { scope: 'openid assist:read', resource: assistApi },
      { scope: 'openid meet:read', resource: meetApi },
    ];
    const tabs = await Promise.all(
      asked.map(async (extra) => ({ extra, started: await party.start({ prompt: 'none', ...extra }) })),
    );
    const answers = await cross(
      ctx,
      uid,
      tabs.map(
        ({ started }) =>
          () =>
            browser.get(started.url.href),
      ),
    );
    for (const [tab, { started, extra }] of tabs.entries()) {
      const { location = '' } = answers[tab] ?? {};
      const back = location === started.url.href ? await browser.get(location) : answers[tab];
      const { scope } = await party.finish(back?.location, started, { resource: extra.resource });
      t.equal(scope, extra.scope.replace('openid ', ''));
    }
    t.equal((await grantsOf(clientId)).length, 1);
  });

  t.test('of two consents that widen one grant at once the second is asked for once more', async (t) => {
    const { browser, uid } = await signedIn();
    const thirdParty = demoParty(issuer, 'third-party', 'openid');
    const consent = async (url: URL) => {
      const { actions } = (await toStep(browser, url)).json() as {
        actions: Record<string, { href: string }>;
      };
      return () => browser.post(actions['consent']?.href ?? '', { json: { granted: true } });
    };
    const granted = await (await consent((await thirdParty.start()).url))();
    await browser.get((granted.json() as { location: string }).location);
    const wider = ['openid profile', 'openid email'];
    const steps = [];
    for (const scope of wider) steps.push(await consent((await thirdParty.start({ scope })).url));
    const id = await grantIn(ctx, uid, 'demo-third-party');
    const answers = await crossAt(ctx, sql`grants where id = ${id}`, steps);
    t.same(
      answers.map((answer) => [answer.status, (answer.json() as { step: string }).step]),
      [
        [200, 'done'],
        [200, 'consent'],
      ],
    );
    t.match((await steps[1]?.())?.json(), { step: 'done' });
    const { payload } = await ctx.db
      .selectFrom('grants')
      .select('payload')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    t.match(payload, { openid: { scope: 'openid profile email' } });
  });

  t.test('a sign-out ends what another tab has entered since it began, and tells its client', async (t) => {
    const clientId = 'late-listener';
    const redirectUri = `${issuer}/demo/late-listener/callback`;
    await makeClient(ctx, {
      clientId,
      name: clientId,
      firstParty: true,
      applicationType: 'web',
      authMethod: 'none',
      grantTypes: ['authorization_code', 'refresh_token'],
      redirectUris: [redirectUri],
      backchannelLogoutUri: 'https://late-listener.test/back-channel',
    });
    const party = new RelyingParty(issuer, { clientId, redirectUri });
    const { browser, uid, hint } = await signedIn();
    const page = await browser.get(`/logout?${new URLSearchParams({ id_token_hint: hint }).toString()}`);
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const started = await party.start();
    const [entered, left] = await cross(ctx, uid, [
      () => browser.get(started.url.href),
      () => browser.post('/logout/confirm', { form: { xsrf, logout: 'yes' } }),
    ]);
    t.ok(entered?.location?.startsWith(`${redirectUri}?code=`), 'it was first');
    t.equal(left?.location, `${issuer}/logout/success`);
    t.same(await grantsOf(clientId), []);
    const refused: unknown = await party.finish(entered?.location, started).catch((error: unknown) => error);
    t.match(refused, { error: 'invalid_grant' }, 'and its code is worth nothing');
    const notices = await ctx.db
      .selectFrom('logoutNotices')
      .select('sid')
      .where('clientId', '=', clientId)
      .execute();
    t.equal(notices.length, 1, 'one notice');
  });

  t.test('a client that is taken out of the session meanwhile is not brought back by another', async (t) => {
    const { browser, uid } = await signedIn();
    const confidential = demoParty(issuer, 'confidential');
    await browser.get((await meet.start()).url.href);
    const entered = await authorizationsOf(ctx, uid);
    const { url } = await confidential.start();
    const { answer } = await inTransaction(ctx, async (tx) => {
      await hold(tx, sql`sessions where uid = ${uid}`);
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

type Sends = readonly (() => Promise<Answer>)[];

function cross(ctx: Context, uid: string, sends: Sends): Promise<Answer[]> {
  return crossAt(ctx, sql`sessions where uid = ${uid}`, sends);
}

/** Sends each once those before it wait for the row, and then lets them write it in this order. */
async function crossAt(ctx: Context, row: RawBuilder<unknown>, sends: Sends): Promise<Answer[]> {
  const { answers } = await inTransaction(ctx, async (tx) => {
    await hold(tx, row);
    const answers: Promise<Answer>[] = [];
    for (const send of sends) {
      answers.push(send());
      await untilWaiting(tx, answers.length);
    }
    return { answers };
  });
  return Promise.all(answers);
}

async function hold({ db }: Tx, row: RawBuilder<unknown>): Promise<void> {
  await sql`select from ${row} for update`.execute(db);
}

/** Until so many connections wait for somebody's lock. */
async function untilWaiting({ db }: Tx, count: number): Promise<void> {
  // it is read once in a transaction, unless that is told to forget
  while ((await countWaiting(db)) < count) await sql`select pg_stat_clear_snapshot()`.execute(db);
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

async function grantIn(ctx: Context, uid: string, clientId: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    select payload->'authorizations'->${clientId}::text->>'grantId' as id from sessions where uid = ${uid}`.execute(
    ctx.db,
  );
  return rows[0]?.id ?? '';
}
