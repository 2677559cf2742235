/** Interactions as people treat them: two tabs, the back button, double clicks, bookmarks, an hour of lunch; by both faces. */
import t, { type Test } from 'tap';
import type { AccountId } from '../../src/kernel/ids.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { demoUserId, makeMember, makeUser } from '../support/make.ts';
import { callbackParams } from '../support/relying-party.ts';
import { act, arrive, faces, goOn, look, openTab, stepOf, type Tab, typePassword } from '../support/tab.ts';
import { demoParty } from '../provider/requests.ts';

t.test('interactions', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist');
  const meet = demoParty(issuer, 'meet');

  /** The dead end that helps: it says where to start again. */
  const isOver = (t: Test, { party, face }: Tab, answer: Answer, message = 'it is over'): void => {
    const startUrl = `${party.client.redirectUri.replace(/callback$/, '')}sign-in`;
    t.equal(answer.status, 410, message);
    if (face === 'text/html') t.ok(answer.text.includes(`href="${startUrl}"`), 'and the page leads back');
    else {
      const step = { step: 'expired', client: { client_id: party.client.clientId }, start_url: startUrl };
      t.match(answer.json(), { code: 'interaction_expired', step }, 'and says where to start');
    }
  };
  /** Refused, and the step still stands: as a problem, or by the way back to its page. */
  const isRefused = (t: Test, { face, uid }: Tab, answer: Answer, message: string): void => {
    if (face === 'text/html') {
      t.equal(answer.status, 303, message);
      t.match(
        [`${issuer}/sign-in/${uid}`, `${issuer}/authorize/${uid}`].includes(answer.location ?? ''),
        true,
      );
    } else t.match([answer.status, answer.json()], [409, { code: 'action_not_available' }], message);
  };
  const eventsOf = async (email: string, type: string) =>
    ctx.db
      .selectFrom('events')
      .select(['accountId', 'clientId', 'details'])
      .where('userId', '=', await demoUserId(ctx, email))
      .where('type', '=', type)
      .execute();
  const accountsOf = (...slugs: string[]) =>
    ctx.db.selectFrom('accounts').select(['id', 'slug']).where('slug', 'in', slugs).orderBy('id').execute();
  const isSignedIn = ({ browser }: Tab): boolean =>
    browser.cookies.some(({ name }) => name === 'doorward_session');
  /** The cookies that bind a browser to one interaction, as a header. */
  const cookiesOf = ({ browser, uid }: Tab): string =>
    browser.cookies
      .filter(({ path }) => path.endsWith(`/${uid}`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');

  for (const face of faces) {
    t.test(`two tabs with two sign-ins end at their own clients (${face})`, async (t) => {
      const browser = new Agent(issuer, face);
      const first = await openTab(assist, { face, browser });
      const second = await openTab(meet, { face, browser });
      t.not(first.uid, second.uid);
      await typePassword(first, 'alan@acme.test', 'not this one at all');
      const ofMeet = await arrive(second, await typePassword(second, 'alan@acme.test'));
      const ofAssist = await arrive(first, await typePassword(first, 'alan@acme.test'));
      t.match([ofAssist.claims()?.aud, ofMeet.claims()?.aud], ['demo-assist', 'demo-meet']);
    });

    t.test(`an address is nothing with the cookie of another sign-in (${face})`, async (t) => {
      const mine = await openTab(assist, { face });
      const other = await openTab(meet, { face });
      const headers = { cookie: cookiesOf(mine), origin: issuer };
      const form = { email: 'alan@acme.test', password: 'correct horse battery staple' };
      const stranger = new Agent(issuer, face);
      isOver(t, other, await stranger.get(`/sign-in/${other.uid}`, { headers }), 'looking at it');
      isOver(t, other, await stranger.post(`/sign-in/${other.uid}/password`, { headers, form }), 'answering');
      t.same(stranger.cookies, []);
      const resumed = await stranger.follow(`/authorize/${other.uid}`, { headers });
      t.notOk(callbackParams(resumed).has('code'), 'going on');
      t.notOk(isSignedIn({ ...other, browser: stranger }), 'nobody was signed in');
      t.equal(stepOf(await look(other)), 'identify', 'and the other has lost nothing');
      t.ok(await arrive(other, await typePassword(other, 'alan@acme.test')));
    });

    t.test(`a browser that did not start it can do nothing with it (${face})`, async (t) => {
      const tab = await openTab(assist, { face });
      const empty = { ...tab, browser: new Agent(issuer, face) };
      const busy = { ...tab, browser: (await openTab(assist, { face })).browser };
      for (const foreign of [empty, busy]) {
        isOver(t, foreign, await look(foreign));
        isOver(t, foreign, await typePassword(foreign, 'alan@acme.test'));
        isOver(t, foreign, await act(foreign, 'abort'));
        isOver(t, foreign, await foreign.browser.follow(`/authorize/${tab.uid}`));
        t.notOk(isSignedIn(foreign));
      }
      const done = await typePassword(tab, 'alan@acme.test');
      isOver(t, empty, await empty.browser.follow(`/authorize/${tab.uid}`), 'not even when it is finished');
      t.ok(await arrive(tab, done), 'while the one that started it goes on');
    });

    t.test(`an address that nobody was given leads nowhere (${face})`, async (t) => {
      const browser = new Agent(issuer, face);
      for (const answer of [
        await browser.get(`/sign-in/${'x'.repeat(43)}`),
        await browser.post(`/sign-in/${'x'.repeat(43)}/abort`),
      ]) {
        t.equal(answer.status, 410);
        t.equal(stepOf(answer), 'expired');
        t.notMatch(answer.text, /demo-|start_url/);
      }
    });

    t.test(`the back button finds a finished sign-in over, and says where to start (${face})`, async (t) => {
      const tab = await openTab(assist, { face });
      await arrive(tab, await typePassword(tab, 'ada@acme.test'));
      const before = await eventsOf('ada@acme.test', 'user.signed_in');
      isOver(t, tab, await look(tab));
      isOver(t, tab, await typePassword(tab, 'ada@acme.test'));
      isOver(t, tab, await typePassword(tab, 'lonely@nowhere.test', 'and wrong as well'));
      for (const action of ['account', 'consent', 'request-seat', 'restart', 'abort'])
        isOver(t, tab, await act(tab, action, { account: 'acme', granted: 'true' }), action);
      isOver(t, tab, await tab.browser.follow(`/authorize/${tab.uid}`));
      t.equal((await eventsOf('ada@acme.test', 'user.signed_in')).length, before.length);
    });

    t.test(`a double click signs in once (${face})`, async (t) => {
      const before = await eventsOf('ian@initech.test', 'user.signed_in');
      const tab = await openTab(assist, { face });
      const answers = await Promise.all([1, 2].map(() => typePassword(tab, 'ian@initech.test')));
      for (const answer of answers) {
        if (face === 'text/html') t.equal(answer.status, 303);
        else t.equal(stepOf(answer), 'done', 'both are shown the way on');
      }
      const ends = await Promise.all(answers.map((answer) => goOn(tab, answer)));
      const codes = ends.filter((end) => callbackParams(end).has('code'));
      t.equal(codes.length, 1, 'one code');
      for (const end of ends.filter((end) => !codes.includes(end))) isOver(t, tab, end);
      t.ok(await assist.finish(codes[0]?.location, tab.started));
      t.equal((await eventsOf('ian@initech.test', 'user.signed_in')).length - before.length, 1, 'one event');
    });

    t.test(`a second click before the browser has gone on shows the way on (${face})`, async (t) => {
      const tab = await openTab(assist, { face });
      await typePassword(tab, 'ada@acme.test');
      const again = await typePassword(tab, 'ada@acme.test');
      isRefused(t, tab, again, 'the step was done already');
      t.ok(await arrive(tab, again), 'and leads on all the same');
    });

    t.test(`of two choices from one page the first counts (${face})`, async (t) => {
      for (const together of [false, true]) {
        const tab = await openTab(assist, { face });
        await typePassword(tab, 'multi@acme.test');
        const accounts = await accountsOf('acme', 'initech');
        const answers: Answer[] = [];
        const choose = async ({ id }: { id: string }) =>
          void answers.push(await act(tab, 'account', { account: id }));
        if (together) await Promise.all(accounts.map(choose));
        else for (const account of accounts) await choose(account);
        t.ok(answers.every(({ status }) => status === (face === 'text/html' ? 303 : 200) || status === 409));
        const [, late] = answers as [Answer, Answer];
        if (!together) isRefused(t, tab, late, 'nothing is left to choose');
        const account = (await arrive(tab, late)).claims()?.['account'];
        if (!together) t.equal(account, accounts[0]?.id);
        t.equal((await eventsOf('multi@acme.test', 'user.signed_in')).at(-1)?.accountId, account);
      }
    });

    t.test(`a page that is behind is answered with the step that stands (${face})`, async (t) => {
      const tab = await openTab(assist, { face });
      await typePassword(tab, 'noseat@acme.test');
      for (const [action, fields] of [
        ['password', { email: 'alan@acme.test', password: 'correct horse battery staple' }],
        ['account', { account: 'acme' }],
        ['consent', { granted: 'true' }],
      ] as const) {
        const answer = await act(tab, action, fields);
        isRefused(t, tab, answer, action);
        t.equal(stepOf(face === 'text/html' ? await goOn(tab, answer) : answer), 'denied');
      }
      t.notOk(isSignedIn(tab), 'and the right password of another has not signed in');
    });

    t.test(`an hour later it is over, and says where to start (${face})`, async (t) => {
      const tab = await openTab(assist, { face });
      const done = await openTab(assist, { face });
      const answer = await typePassword(done, 'alan@acme.test');
      app.advance(3590);
      t.equal(stepOf(await look(tab)), 'identify', 'not before');
      app.advance(11);
      isOver(t, tab, await look(tab));
      isOver(t, tab, await typePassword(tab, 'alan@acme.test'));
      isOver(t, tab, await tab.browser.follow(`/authorize/${tab.uid}`));
      isOver(t, done, await goOn(done, answer), 'proven, and then left alone');
      t.notOk(isSignedIn(done));
    });

    t.test(`a bookmarked step shows where it stands, and uses nothing up (${face})`, async (t) => {
      const tab = await openTab(assist, { face });
      for (const _ of [1, 2, 3]) t.equal(stepOf(await look(tab)), 'identify');
      const before = await eventsOf('lea@lapsed.test', 'sign_in.denied');
      await typePassword(tab, 'lea@lapsed.test');
      for (const _ of [1, 2, 3]) t.equal(stepOf(await look(tab)), 'denied');
      const after = await eventsOf('lea@lapsed.test', 'sign_in.denied');
      t.equal(after.length - before.length, 1, 'one denial, however often it is looked at');
      const other = await openTab(meet, { face, browser: tab.browser });
      await arrive(other, await typePassword(other, 'alan@acme.test'));
      t.equal(stepOf(await look(tab)), 'denied', 'whatever the browser has done elsewhere');
    });

    t.test(
      `whoever was refused starts over as someone else, and nothing of the first is left (${face})`,
      async (t) => {
        for (const [email, at] of [
          ['noseat@acme.test', 'denied'],
          ['multi@acme.test', 'choose_account'],
        ] as const) {
          const tab = await openTab(assist, { face });
          isRefused(t, tab, await act(tab, 'restart'), 'there is nothing to restart yet');
          t.equal(stepOf(await goOn(tab, await typePassword(tab, email))), at);
          t.equal(stepOf(await goOn(tab, await act(tab, 'restart'))), 'identify');
          isRefused(t, tab, await act(tab, 'account', { account: 'acme' }), 'what was proven is forgotten');
          isRefused(t, tab, await act(tab, 'request-seat'), 'what was refused as well');
          const tokens = await arrive(tab, await typePassword(tab, 'ada@acme.test'));
          t.equal(tokens.claims()?.sub, await demoUserId(ctx, 'ada@acme.test'));
        }
      },
    );

    t.test(`whoever leaves is told to the client, with issuer and state (${face})`, async (t) => {
      for (const [at, email] of [
        ['identify', undefined],
        ['choose_account', 'multi@acme.test'],
      ] as const) {
        const tab = await openTab(assist, { face });
        if (email !== undefined) await typePassword(tab, email);
        const back = await goOn(tab, await act(tab, 'abort'));
        t.ok(back.location?.startsWith(`${assist.client.redirectUri}?`));
        const said = Object.fromEntries(callbackParams(back));
        t.match(said, { error: 'access_denied', iss: issuer, state: tab.started.state });
        t.notOk('code' in said);
        t.notOk(isSignedIn(tab), 'nobody is signed in');
        isOver(t, tab, await typePassword(tab, 'alan@acme.test'));
        const event = await ctx.db
          .selectFrom('events')
          .select(['clientId', 'details'])
          .where('type', '=', 'sign_in.aborted')
          .orderBy('id', 'desc')
          .executeTakeFirst();
        t.match(event, { clientId: 'demo-assist', details: { at } });
      }
    });
  }

  for (const face of faces) {
    t.test(`a client may name the account: nothing is left to choose (${face})`, async (t) => {
      for (const { id, slug } of await accountsOf('acme', 'initech')) {
        for (const account of [id, slug]) {
          const tab = await openTab(assist, { face, extra: { account } });
          const tokens = await arrive(tab, await typePassword(tab, 'multi@acme.test'));
          t.equal(tokens.claims()?.['account'], id, account);
        }
      }
    });

    t.test(`an account one has no part in is like one that does not exist (${face})`, async (t) => {
      const shown = async (account: string) => {
        const tab = await openTab(assist, { face, extra: { account } });
        const answer = await typePassword(tab, 'multi@acme.test');
        const page = face === 'text/html' ? await goOn(tab, answer) : answer;
        t.equal(stepOf(page), 'denied');
        return page.text
          .replaceAll(tab.uid, '')
          .replaceAll(/[A-Z0-9]{4}-[A-Z0-9]{4}|"expires_at":"[^"]*"/g, '');
      };
      const foreign = await shown('globex');
      t.notMatch(foreign, /globex/i);
      t.equal(foreign, await shown('nowhere'), 'to the letter');
    });

    t.test(`a double click on the wish for a seat is one wish, one mail an admin (${face})`, async (t) => {
      const [acme] = await accountsOf('acme');
      const accountId = acme?.id as AccountId;
      const { id: userId, email } = await makeUser(ctx);
      await makeMember(ctx, userId, accountId);
      const second = await makeUser(ctx);
      await makeMember(ctx, second.id, accountId, 'admin');
      const gone = await makeUser(ctx, { state: 'deactivated' });
      await makeMember(ctx, gone.id, accountId, 'admin');

      const tab = await openTab(meet, { face });
      await typePassword(tab, email);
      const answers = await Promise.all([1, 2, 3].map(() => act(tab, 'request-seat')));
      for (const answer of answers) t.ok([200, 303, 409].includes(answer.status));
      t.notMatch((await look(tab)).text, /\/request-seat"/, 'the button is gone');

      const requests = await ctx.db
        .selectFrom('seatRequests')
        .select(['state', 'accountId'])
        .where('userId', '=', userId)
        .execute();
      t.match(requests, [{ state: 'open', accountId }]);
      t.equal(requests.length, 1);
      t.equal((await eventsOf(email, 'seat.requested')).length, 1);
      const mails = await ctx.db
        .selectFrom('mailOutbox')
        .select(['recipient', 'data'])
        .where('template', '=', 'seat_requested')
        .execute();
      const recipients = mails
        .filter(({ data }) => (data as { personEmail?: string }).personEmail === email)
        .map(({ recipient }) => recipient);
      t.ok(recipients.includes('ada@acme.test') && recipients.includes(second.email));
      t.notOk(recipients.includes(gone.email), 'nobody who was switched off');
      t.equal(new Set(recipients).size, recipients.length, 'one mail each');
    });
  }

  t.test('a form is always answered with 303, whatever becomes of it', async (t) => {
    const password = 'correct horse battery staple';
    const posts: [email: string | undefined, action: string, fields: Readonly<Record<string, string>>][] = [
      [undefined, 'password', { email: 'ada@acme.test', password }],
      [undefined, 'password', { email: 'ada@acme.test', password: 'not this one at all' }],
      [undefined, 'password', { email: 'no address', password }],
      [undefined, 'password', { email: '', password: '' }],
      [undefined, 'consent', { granted: 'true' }],
      [undefined, 'restart', {}],
      [undefined, 'abort', {}],
      ['noseat@acme.test', 'request-seat', {}],
      ['lea@lapsed.test', 'request-seat', {}],
      ['lea@lapsed.test', 'password', { email: 'ada@acme.test', password }],
      ['lea@lapsed.test', 'restart', {}],
      ['lea@lapsed.test', 'abort', {}],
      ['multi@acme.test', 'account', { account: 'acc_of_somebody_else' }],
      ['multi@acme.test', 'restart', {}],
      ['ada@acme.test', 'abort', {}],
    ];
    for (const [email, action, fields] of posts) {
      const tab = await openTab(assist, { face: 'text/html' });
      if (email !== undefined) t.equal((await typePassword(tab, email)).status, 303);
      const answer = await act(tab, action, fields);
      const what = `${email ?? 'nobody yet'}: ${action} ${JSON.stringify(fields)}`;
      t.equal(answer.status, 303, what);
      t.ok(answer.location?.startsWith(`${issuer}/`), 'never straight out of the house');
      t.notMatch(answer.location, /password|@|%40/);
    }
  });
});
