/** Somebody who is signed in links an identity of their own, in their own browser alone, and unlinks it again. */
import t from 'tap';
import { Agent, type Answer } from '../support/agent.ts';
import { apiWith, signInToApi, type SignedIn } from '../support/api.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { bringBack, comeHome, signInAtIdp, signInByCompany } from '../support/company.ts';
import { demoUserId, makeSelfClient } from '../support/make.ts';
import { demoClient, RelyingParty, toStep } from '../support/relying-party.ts';

type Who = Pick<SignedIn, 'api' | 'browser'>;

t.test('linking an identity of one’s own', async (t) => {
  const app = await startApp(t, { social: true });
  const { issuer, ctx } = app;
  const come = (email = 'ada@acme.test') => signInToApi(app, email);
  const userId = await demoUserId(ctx, 'ada@acme.test');

  const ask = async ({ api }: Who, provider: string): Promise<string> => {
    const { status, body } = await api.post('/me/identities', { provider });
    t.equal(status, 200);
    return String(body.location);
  };
  /** Out by the address of the ticket, to the provider, and back to what is said of it. */
  const walk = async (browser: Agent, location: string, handle: string): Promise<Answer> => {
    const left = await browser.get(location);
    const answered = await signInAtIdp(browser, left.location ?? '', handle);
    return comeHome(browser, await bringBack(browser, answered));
  };
  const refusedAs = async (browser: Agent, location: string): Promise<unknown[]> => {
    const { status, json } = await comeHome(browser, await browser.get(location));
    return [status, json().code];
  };
  const facts = async () => {
    const links = ctx.db.selectFrom('identities').select(['userId', 'provider']);
    const mails = ctx.db.selectFrom('mailOutbox').select('recipient');
    return {
      links: await links.where('provider', 'is not', null).where('unlinkedAt', 'is', null).execute(),
      mails: await mails.where('template', '=', 'social_identity_linked').execute(),
      events: await eventsOf(app),
      departures: await ctx.db.selectFrom('socialDepartures').select('provider').execute(),
    };
  };

  for (const provider of ['google', 'apple'] as const) {
    await t.test(`${provider}: asked for, brought, mailed, and unlinked again`, async (t) => {
      const ada = await come();
      const before = await facts();
      const { body } = await ada.api.post('/me/identities', { provider });
      t.equal(new Date(body.expires_at).getTime() - ctx.now().getTime() > 290_000, true);
      t.ok(body.location.startsWith(`${issuer}/federation/${provider}/link?ticket=`));
      const home = await walk(ada.browser, body.location, 'ada@acme.test');
      t.equal(home.status, 200);
      t.match(home.json(), { step: 'identity_linked', provider, client: { client_id: 'demo-admin' } });
      t.notMatch(home.url, /ticket|code=|state=/);
      const after = await facts();
      t.strictSame(after.links, [...before.links, { userId, provider }]);
      t.strictSame(after.mails.slice(before.mails.length), [{ recipient: 'ada@acme.test' }]);
      t.match(after.events.at(-1), { type: 'identity.linked', actorId: userId, userId });
      t.strictSame(after.departures, []);

      const { items } = (await ada.api.get('/me/identities')).body;
      t.match(items, [{ provider }]);
      t.equal((await ada.api.delete(`/me/identities/${items[0].id}`)).status, 204);
      t.strictSame((await facts()).links, before.links);
    });
  }

  await t.test('a browser is shown a page, with the way back to where it began', async (t) => {
    const ada = await come();
    const browser = new Agent(issuer, 'text/html');
    browser.cookies = ada.browser.cookies;
    const start = `href="${issuer}/demo/admin`;
    const refused = await comeHome(
      new Agent(issuer, 'text/html'),
      await new Agent(issuer, 'text/html').get(await ask(ada, 'github')),
    );
    t.equal(refused.status, 403);
    t.match(refused.text, 'data-code="fresh_sign_in_required"');
    t.ok(refused.text.includes(start), 'the way back');
    const left = await browser.get(await ask(ada, 'github'));
    t.match(left.location, /prompt=select_account/, 'the provider asks which account');
    const answered = await signInAtIdp(browser, left.location ?? '', 'nick@elsewhere.test');
    const home = await comeHome(browser, answered);
    t.equal(home.status, 200);
    t.match(home.headers.get('content-type'), /html/);
    t.ok(home.text.includes(start), 'the way back');
    const { items } = (await ada.api.get('/me/identities')).body;
    await ada.api.delete(`/me/identities/${items[0].id}`);
  });

  await t.test('only for a provider there is, and after a fresh sign-in', async (t) => {
    const { api } = await come();
    t.match(await api.post('/me/identities', { provider: 'myspace' }), { status: 400 });
    t.match(await api.post('/me/identities', { provider: 'google', user_id: userId }), { status: 400 });
    app.advance(301);
    t.match(await api.post('/me/identities', { provider: 'google' }), {
      status: 403,
      body: { code: 'fresh_sign_in_required' },
    });
    app.advance(-301);
  });

  await t.test('a ticket is good for nothing but in the browser of who asked for it', async (t) => {
    const [ada, ian] = [await come(), await come('ian@initech.test')];
    const before = await facts();
    const location = await ask(ada, 'google');
    t.strictSame(await refusedAs(new Agent(issuer), location), [403, 'fresh_sign_in_required'], 'no session');
    t.strictSame(await refusedAs(ian.browser, location), [403, 'link_mismatch'], "another's session");

    const forged = new Agent(issuer);
    forged.cookies = ada.browser.cookies.map((cookie) =>
      cookie.name.endsWith('session.sig') ? { ...cookie, value: 'A'.repeat(43) } : cookie,
    );
    t.strictSame(await refusedAs(forged, location), [403, 'fresh_sign_in_required'], 'a cookie not signed');

    const at = location.length - 10;
    const other = location[at] === 'A' ? 'B' : 'A';
    const tampered = `${location.slice(0, at)}${other}${location.slice(at + 1)}`;
    t.strictSame(await refusedAs(ada.browser, tampered), [410, 'link_expired'], 'tampered');
    const elsewhere = location.replace('/google/', '/github/');
    t.strictSame(await refusedAs(ada.browser, elsewhere), [410, 'link_expired'], 'for another provider');
    t.equal((await ada.browser.get(`${issuer}/federation/google/link`)).status, 400);
    t.equal((await ada.browser.get(`${issuer}/federation/myspace/link?ticket=x`)).status, 400);

    app.advance(300);
    t.strictSame(await refusedAs(ada.browser, location), [410, 'link_expired'], 'after five minutes');
    app.advance(-300);
    t.strictSame(await facts(), before, 'nobody has left, and nothing was linked');
  });

  await t.test('a ticket that is opened twice links once', async (t) => {
    const { api, browser } = await come();
    const location = await ask({ api, browser }, 'linkedin');
    const before = await facts();
    const [first, second] = [await browser.get(location), await browser.get(location)];
    const answers = [];
    for (const { location: away = '' } of [first, second])
      answers.push(await signInAtIdp(browser, away, 'lin@elsewhere.test'));
    const [one, two] = answers.map(({ location: back = '' }) => back);
    t.equal((await comeHome(browser, await browser.get(one ?? ''))).status, 200);
    t.strictSame(await refusedAs(browser, two ?? ''), [409, 'identity_taken']);
    t.strictSame(
      await refusedAs(browser, one ?? ''),
      [403, 'social_sign_in_failed'],
      'an answer counts once',
    );
    const after = await facts();
    t.equal(after.links.length, before.links.length + 1);
    t.equal(after.mails.length, before.mails.length + 1);
  });

  await t.test('an identity of somebody else stays theirs', async (t) => {
    const [ada, ian] = [await come(), await come('ian@initech.test')];
    const own = await walk(ian.browser, await ask(ian, 'google'), 'shared@elsewhere.test');
    t.equal(own.status, 200);
    const before = await facts();
    const taken = await walk(ada.browser, await ask(ada, 'google'), 'shared@elsewhere.test');
    t.match([taken.status, taken.json().code], [409, 'identity_taken']);
    t.strictSame(await facts(), before);
  });

  await t.test('whoever cancels at the provider has linked nothing, under a case', async (t) => {
    const { api, browser } = await come();
    const before = await facts();
    const left = await browser.get(await ask({ api, browser }, 'google'));
    const callback = new URL(`${issuer}/federation/google/callback`);
    callback.searchParams.set('error', 'access_denied');
    callback.searchParams.set('state', new URL(left.location ?? '').searchParams.get('state') ?? '');
    const home = await comeHome(browser, await browser.get(callback.href));
    t.equal(home.status, 403);
    t.match(home.json(), { code: 'social_sign_in_failed', case_id: String });
    const { events, ...rest } = await facts();
    const { events: _, ...restBefore } = before;
    t.strictSame(rest, restBefore);
    t.match(events.at(-1), { type: 'sign_in.refused', caseId: home.json().case_id, clientId: 'demo-admin' });
  });

  await t.test(
    'who comes back in another browser, or signed in as another by now, links nothing',
    async (t) => {
      const [ada, ian] = [await come(), await come('ian@initech.test')];
      const before = await facts();
      const answer = async () => {
        const left = await ada.browser.get(await ask(ada, 'google'));
        return (await signInAtIdp(ada.browser, left.location ?? '', 'ada@acme.test')).location ?? '';
      };
      const back = await answer();
      t.strictSame(await refusedAs(ian.browser, back), [403, 'social_sign_in_failed']);
      t.strictSame(
        (await facts()).departures,
        [{ provider: 'google' }],
        'it waits for its own browser still',
      );
      const own = ada.browser.cookies;
      const isSession = ({ name }: { readonly name: string }) => name.startsWith('doorward_session');
      const without = own.filter((cookie) => !isSession(cookie));
      ada.browser.cookies = [...without, ...ian.browser.cookies.filter(isSession)];
      t.strictSame(await refusedAs(ada.browser, back), [403, 'link_mismatch']);
      ada.browser.cookies = own;

      const signedOut = await answer();
      ada.browser.cookies = without;
      t.strictSame(await refusedAs(ada.browser, signedOut), [403, 'fresh_sign_in_required']);
      ada.browser.cookies = own;

      const late = await answer();
      app.advance(301);
      t.strictSame(await refusedAs(ada.browser, late), [403, 'fresh_sign_in_required'], 'too late');
      app.advance(-301);
      const { links, mails, departures } = await facts();
      t.strictSame([links, mails, departures], [before.links, before.mails, before.departures]);
    },
  );

  await t.test('whose company requires its own sign-in, links nothing beside it', async (t) => {
    await makeSelfClient(ctx, issuer);
    const resource = `${issuer}/api/v1`;
    const party = new RelyingParty(issuer, { ...demoClient(issuer, 'self'), scope: 'openid self' });
    const browser = new Agent(issuer);
    const started = await party.start({ resource });
    const step = await toStep(browser, started.url);
    const done = await signInByCompany(browser, step, 'gina@globex.test');
    const callback = await browser.follow(done.json().location);
    const { access_token: token } = await party.finish(callback.location, started, { resource });
    const refused = await apiWith(app, token).post('/me/identities', { provider: 'google' });
    t.match(refused, { status: 403, body: { code: 'sso_required' } });
  });

  await t.test('nobody else can have our page say how it ended', async (t) => {
    t.strictSame(await refusedAs(new Agent(issuer), `${issuer}/federation/linked?outcome=made-up`), [
      410,
      'link_expired',
    ]);
  });
});

async function eventsOf({ ctx }: TestApp) {
  return ctx.db
    .selectFrom('events')
    .select(['type', 'actorId', 'userId', 'clientId', 'caseId'])
    .where('type', 'in', ['identity.linked', 'sign_in.refused'])
    .orderBy('id')
    .execute();
}
