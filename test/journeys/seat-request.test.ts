/** R7: who has no seat asks for one, an admin grants it by one click on a mail, and the next try passes. By HTTP and real mail. */
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import {
  assignSeat,
  findSeatRequest,
  grantSeatRequest,
  listSeatRequests,
  refuseSeatRequest,
} from '../../src/core/seats/seats.ts';
import type { AccountId } from '../../src/kernel/ids.ts';
import { demoParty } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { dumpDatabase, formsOf } from '../support/canaries.ts';
import { openMailbox } from '../support/mailbox.ts';
import { makeUser } from '../support/make.ts';
import { signIn, submitPassword, toStep } from '../support/relying-party.ts';
import { askForSeat, makeAsked, makeSeatless, seatToken } from '../support/seat-request.ts';

const day = 86_400;

t.test('a request for a seat', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const mailbox = await openMailbox(t, app);
  await mailbox.drain();
  const assist = demoParty(issuer, 'assist');

  const asked = (seats?: number) => makeAsked(app, mailbox, seats);
  const opened = async (token: string, accept?: string) => {
    const browser = new Agent(issuer, accept);
    await browser.get(`/seat-requests/open?token=${token}`);
    return browser;
  };
  const click = (token: string, decision = 'grant') =>
    new Agent(issuer).post('/seat-requests/decide', { json: { decision, token } });
  const requestsOf = (accountId: AccountId) =>
    ctx.db
      .selectFrom('seatRequests')
      .select(['id', 'state', 'clientId'])
      .where('accountId', '=', accountId)
      .execute();
  const seatsOf = (accountId: AccountId) =>
    ctx.db.selectFrom('seats').select('userId').where('accountId', '=', accountId).execute();
  const eventsOf = (accountId: AccountId) =>
    ctx.db
      .selectFrom('events')
      .select(['type', 'actorId', 'userId', 'clientId', 'caseId', 'requestId', 'details'])
      .where('accountId', '=', accountId)
      .where('type', 'like', 'seat%')
      .orderBy('id')
      .execute();
  const isDead = async (t: Test, token: string, label: string) => {
    const answer = await click(token);
    t.equal(answer.status, 410, label);
    t.match(answer.json(), { code: 'link_expired' }, label);
    t.equal((await (await opened(token)).get('/seat-requests/decide')).status, 410, label);
    t.equal((await (await opened(token, 'text/html')).get('/seat-requests/decide')).status, 410, label);
  };

  t.test('R7: is mailed to each admin, granted by one click, and then the person is let in', async (t) => {
    const { accountId, admins, person } = await makeSeatless(ctx);
    t.match((await askForSeat(issuer, person.email)).json(), { step: 'denied', seat_requested: true });
    const mails = await mailbox.drain();
    t.same(mails.map(({ to }) => to[0]).sort(), admins.map(({ email }) => email).sort());
    t.equal(new Set(mails.map(seatToken)).size, 2, 'each has a link of their own');
    const sent = ctx.db
      .selectFrom('mailOutbox')
      .select('secretsSealed')
      .where('template', '=', 'seat_requested');
    t.ok(
      (await sent.execute()).every(({ secretsSealed }) => secretsSealed === null),
      'and none is kept',
    );

    const [admin] = admins;
    const token = seatToken(mails.find(({ to }) => to.includes(admin.email)));
    const link = `/seat-requests/open?token=${token}`;
    for (let count = 0; count < 3; count += 1) {
      const scanner = new Agent(issuer);
      await scanner.send(link, { method: 'HEAD' });
      await scanner.follow(link);
    }
    t.match(
      await requestsOf(accountId),
      [{ state: 'open', clientId: 'demo-assist' }],
      'looking changes nothing',
    );

    const browser = new Agent(issuer);
    const arrived = await browser.get(link);
    t.equal(arrived.status, 303);
    t.equal(arrived.location, `${issuer}/seat-requests/decide`, 'the address is clean');
    const step = (await browser.get('/seat-requests/decide')).json();
    t.match(step, {
      step: 'decide_seat_request',
      person: { email: person.email },
      product: 'Assist',
      free_seats: 5,
      problem: null,
      actions: { grant: { fields: [{ value: 'grant' }] }, refuse: { fields: [{ value: 'refuse' }] } },
    });
    const decided = await browser.post(step.actions.grant.href, { json: { decision: 'grant' } });
    t.equal(decided.status, 200);
    t.match(decided.json(), { step: 'seat_request_decided', state: 'granted' });
    t.match((await browser.get('/seat-requests/done')).json(), { state: 'granted' });
    t.same(
      browser.cookies.map(({ name }) => name),
      ['doorward_seat_request'],
      'nobody is signed in by it',
    );

    const [told, ...more] = await mailbox.drain();
    t.same(more, []);
    t.same(told?.to, [person.email]);
    const start = new URL('/demo/assist/sign-in', issuer);
    start.searchParams.set('login_hint', person.email);
    t.ok(told?.text.includes(start.href), 'with the way to where they came from');
    const kept = [(await dumpDatabase(app.databaseUrl)).text, ...app.lines];
    t.notOk(
      kept.some((text) => formsOf(token).some((form) => text.includes(form))),
      'no token is kept or logged',
    );
    const { tokens } = await signIn(new Agent(issuer), assist, person.email);
    t.match(tokens.claims(), { account: accountId, products: ['assist'] });

    const [asking, ...deciding] = await eventsOf(accountId);
    t.match(asking, { type: 'seat.requested', actorId: person.id, userId: person.id });
    t.same(deciding.map(({ type }) => type).sort(), ['seat.assigned', 'seat_request.granted']);
    for (const { type, actorId, userId, requestId, caseId } of deciding) {
      t.same({ actorId, userId }, { actorId: admin.id, userId: person.id }, type);
      t.type(requestId, 'string');
      if (type === 'seat_request.granted') t.equal(caseId, asking?.caseId);
    }
  });

  t.test('is refused, and the person is told; they can ask again', async (t) => {
    const { accountId, admins, person, tokens } = await asked();
    const answer = await click(tokens[1], 'refuse');
    t.equal(answer.status, 200);
    t.match(answer.json(), { state: 'refused' });
    t.match(await requestsOf(accountId), [{ state: 'refused' }]);
    t.same(await seatsOf(accountId), []);
    t.match((await eventsOf(accountId)).slice(1), [
      { type: 'seat_request.refused', actorId: admins[1].id, userId: person.id },
    ]);
    const mails = await mailbox.drain();
    t.same(
      mails.map(({ to }) => to),
      [[person.email]],
    );
    await askForSeat(issuer, person.email);
    t.equal((await mailbox.drain()).length, 2, 'another request, with links of its own');
    t.equal((await requestsOf(accountId)).length, 2);
    await isDead(t, tokens[0], 'the old links stay dead');
  });

  t.test('is decided once: who comes later is told so', async (t) => {
    const { accountId, tokens } = await asked();
    const page = await opened(tokens[0], 'text/html');
    const form = { decision: 'grant' };
    const done = await page.post('/seat-requests/decide', { form });
    t.equal(done.status, 303);
    t.equal(done.location, `${issuer}/seat-requests/done`);
    t.equal((await page.get('/seat-requests/done')).status, 200);
    const again = await page.post('/seat-requests/decide', { form });
    t.equal(again.location, `${issuer}/seat-requests/decide`, 'a second click of the same');
    t.equal((await page.get('/seat-requests/decide')).status, 410);
    await isDead(t, tokens[1], 'and the other admin');
    t.equal((await click(tokens[1], 'refuse')).status, 410);
    t.match(await requestsOf(accountId), [{ state: 'granted' }]);
    t.equal((await mailbox.drain()).length, 1);
  });

  t.test('stays open while no seat is free', async (t) => {
    const { accountId, person, tokens } = await asked(0);
    const browser = await opened(tokens[0]);
    t.match((await browser.get('/seat-requests/decide')).json(), {
      free_seats: 0,
      problem: { code: 'no_free_seat' },
    });
    const answer = await browser.post('/seat-requests/decide', { json: { decision: 'grant' } });
    t.equal(answer.status, 409);
    t.match(answer.json(), { code: 'no_free_seat' });
    const page = await opened(tokens[0], 'text/html');
    const sent = await page.post('/seat-requests/decide', { form: { decision: 'grant' } });
    t.equal(sent.location, `${issuer}/seat-requests/decide`);
    t.equal((await page.get('/seat-requests/decide')).status, 200);
    t.match(await requestsOf(accountId), [{ state: 'open' }]);
    t.equal((await eventsOf(accountId)).length, 1);
    t.same(await mailbox.drain(), []);

    await ctx.db.updateTable('subscriptions').set({ seats: 1 }).where('accountId', '=', accountId).execute();
    t.equal((await click(tokens[0])).status, 200);
    t.same(await seatsOf(accountId), [{ userId: person.id }]);
    await mailbox.drain();
  });

  t.test('is decided by nobody who is no active admin of the account any more', async (t) => {
    const member = (id: string) => ctx.db.updateTable('memberships').where('userId', '=', id as never);
    const user = (id: string) => ctx.db.updateTable('users').where('id', '=', id as never);
    const changes = {
      demoted: (id: string) => member(id).set({ role: 'agent' }).execute(),
      'switched off': (id: string) => user(id).set({ state: 'deactivated' }).execute(),
      'switched off here': (id: string) => member(id).set({ deactivatedAt: ctx.now() }).execute(),
      'at another address': (id: string) =>
        user(id)
          .set({ email: `${id.slice(-8)}@new.test` })
          .execute(),
      removed: (id: string) =>
        ctx.db
          .deleteFrom('memberships')
          .where('userId', '=', id as never)
          .execute(),
    };
    for (const [label, change] of Object.entries(changes)) {
      const { accountId, admins, tokens } = await asked();
      const before = await opened(tokens[0]);
      await change(admins[0].id);
      t.equal(
        (await before.post('/seat-requests/decide', { json: { decision: 'grant' } })).status,
        410,
        label,
      );
      await isDead(t, tokens[0], label);
      t.match(await requestsOf(accountId), [{ state: 'open' }]);
      t.equal((await click(tokens[1])).status, 200, 'the other still is');
    }
    await mailbox.drain();
  });

  t.test('cannot be decided by a browser that has not opened the link', async (t) => {
    const { accountId } = await asked();
    for (const accept of ['application/json', 'text/html']) {
      const stranger = new Agent(issuer, accept);
      t.equal((await stranger.get('/seat-requests/decide')).status, 410);
      t.equal((await stranger.get('/seat-requests/done')).status, 410);
      await stranger.post('/seat-requests/decide', { form: { decision: 'grant' } });
    }
    const guessed = await opened('a'.repeat(43));
    t.equal((await guessed.get('/seat-requests/decide')).status, 410);
    t.match(await requestsOf(accountId), [{ state: 'open' }]);
  });

  t.test('works for seven days; then the person can ask again, by the same request', async (t) => {
    const { accountId, person, tokens } = await asked();
    await askForSeat(issuer, person.email);
    t.same(await mailbox.drain(), [], 'while it is open nobody is mailed twice');
    app.advance(7 * day - 30);
    t.equal((await (await opened(tokens[0])).get('/seat-requests/decide')).status, 200);
    app.advance(31);
    await isDead(t, tokens[0], 'after seven days');
    await askForSeat(issuer, person.email);
    const mails = await mailbox.drain();
    t.equal(mails.length, 2);
    t.equal((await requestsOf(accountId)).length, 1);
    await isDead(t, tokens[1], 'the old links stay dead');
    t.equal((await click(seatToken(mails[0]))).status, 200);
    await mailbox.drain();
  });

  t.test('twenty clicks at once are one seat, one event and one mail', async (t) => {
    const { accountId, person, tokens } = await asked();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => click(tokens[index % 2] ?? '')),
    );
    const statuses = answers.map(({ status }) => status).sort();
    t.same(statuses, [200, ...Array<number>(19).fill(410)]);
    t.same(await seatsOf(accountId), [{ userId: person.id }]);
    const events = (await eventsOf(accountId)).map(({ type }) => type).sort();
    t.same(events, ['seat.assigned', 'seat.requested', 'seat_request.granted']);
    t.same(
      (await mailbox.drain()).map(({ to }) => to),
      [[person.email]],
    );
  });

  t.test('of somebody who has got a seat meanwhile is closed as granted', async (t) => {
    const { accountId, productId, person, tokens } = await asked(1);
    await inTransaction(ctx, (tx) => assignSeat(tx, { accountId, productId, userId: person.id }));
    t.equal((await click(tokens[0])).status, 200, 'although no other is free');
    t.match(await requestsOf(accountId), [{ state: 'granted' }]);
    t.equal((await seatsOf(accountId)).length, 1);
    await mailbox.drain();
  });

  t.test('goes with the member, also while it is being granted', async (t) => {
    for (let round = 0; round < 6; round += 1) {
      const { accountId, person, tokens } = await asked();
      const [answer] = await Promise.all([
        click(tokens[0]),
        ctx.db.deleteFrom('memberships').where('userId', '=', person.id).execute(),
      ]);
      t.ok([200, 410].includes(answer.status), String(answer.status));
      t.same(await requestsOf(accountId), []);
      t.same(await seatsOf(accountId), []);
      await isDead(t, tokens[1], 'nothing is left to decide');
    }
    await mailbox.drain();
  });

  t.test('an account has its own requests, newest first, and no others', async (t) => {
    const { accountId, productId, admins, person } = await asked();
    const foreign = await asked();
    await inTransaction(ctx, (tx) => assignSeat(tx, { accountId, productId, userId: admins[0].id }));
    await askForSeat(issuer, admins[1].email);
    const all = await listSeatRequests(ctx.db, { accountId, limit: 10 });
    t.match(all, [
      { state: 'open', user: { id: admins[1].id, email: admins[1].email }, clientId: 'demo-assist' },
      { state: 'open', user: { id: person.id }, product: { slug: 'assist' }, account: { id: accountId } },
    ]);
    const ids = all.map(({ id }) => id);
    const [first = '', second = ''] = ids;
    const listed = async (given: object) =>
      (await listSeatRequests(ctx.db, { accountId, limit: 10, ...given })).map(({ id }) => id);
    t.same(await listed({ limit: 1 }), [first]);
    t.same(await listed({ after: first }), [second]);
    t.same(await listed({ after: second }), []);
    const ref = { accountId, id: second };
    const elsewhere = { accountId: foreign.accountId, id: second };
    t.equal(await findSeatRequest(ctx.db, elsewhere), undefined);
    for (const decide of [grantSeatRequest, refuseSeatRequest])
      await t.rejects(
        inTransaction(ctx, (tx) => decide(tx, elsewhere)),
        { code: 'not_found' },
      );
    const startsAt = new Date(ctx.now().getTime() + 3 * day * 1000);
    const endsAt = new Date(startsAt.getTime() + day * 1000);
    const granted = await inTransaction(ctx, (tx) => grantSeatRequest(tx, { ...ref, startsAt, endsAt }));
    t.match(granted, { id: second, state: 'granted', decidedAt: Date });
    t.strictSame(await findSeatRequest(ctx.db, ref), granted);
    for (const decide of [grantSeatRequest, refuseSeatRequest])
      await t.rejects(
        inTransaction(ctx, (tx) => decide(tx, ref)),
        { code: 'already_decided' },
      );
    t.same(await listed({ state: 'open' }), [first]);
    t.same(await listed({ state: 'granted' }), [second]);
    const mail = (await mailbox.drain()).find(({ to }) => to.includes(person.email));
    t.ok(mail?.text.includes(startsAt.toISOString().slice(0, 10)), 'the person is told from when on');
    const browser = new Agent(issuer);
    const denied = await submitPassword(
      browser,
      await toStep(browser, (await assist.start()).url),
      person.email,
    );
    t.match(denied.json(), { step: 'denied', code: 'seat_not_yet' });
  });

  t.test('is mailed to nobody where nobody administers', async (t) => {
    const { accountId, admins } = await makeSeatless(ctx);
    await ctx.db.deleteFrom('memberships').where('userId', 'in', [admins[0].id, admins[1].id]).execute();
    const person = await makeUser(ctx);
    await ctx.db
      .insertInto('memberships')
      .values({ accountId, userId: person.id, role: 'agent', createdAt: ctx.now() })
      .execute();
    t.match((await askForSeat(issuer, person.email)).json(), { seat_requested: true });
    t.same(await mailbox.drain(), []);
    t.match(await requestsOf(accountId), [{ state: 'open' }]);
  });
});
