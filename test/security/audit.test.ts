/** The audit trail: everything that happens leaves its event, with who, what, where and when (LG-01), for good (LG-04). */
import { readFile } from 'node:fs/promises';
import { hash } from 'bcryptjs';
import { sql } from 'kysely';
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { type EventType, listEvents } from '../../src/core/audit/audit.ts';
import { createOperatorClient } from '../../src/core/clients/clients.ts';
import { importPasswordHash } from '../../src/core/credentials/credentials.ts';
import {
  acceptInvitation,
  resendInvitation,
  revokeInvitation,
} from '../../src/core/invitations/invitations.ts';
import { open } from '../../src/kernel/seal.ts';
import {
  demoBasic,
  demoParty,
  obtainCode,
  post,
  refreshForm,
  seatOf,
  signOut,
} from '../provider/requests.ts';
import { driveOperators } from '../support/admin-events.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { driveCompanySignIns, driveLinks } from '../support/company-events.ts';
import { driveConnections } from '../support/connection-events.ts';
import { driveDomains, startResolvers } from '../support/domains.ts';
import { demoUserId, makeAccount, makeMember, makeUser } from '../support/make.ts';
import { signIn, submitPassword, toStep } from '../support/relying-party.ts';
import { complete, obtainReset, openLink } from '../support/reset.ts';
import { drivePeople } from '../support/people-events.ts';
import { driveSales } from '../support/sale-events.ts';
import { driveSeatRequests } from '../support/seat-request.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { eventCatalogue } from './event-catalogue.ts';

/** What is set and should not be, or should be and is not. */
function unlike(set: readonly string[], expected: string): string[] {
  const [always, sometimes] = [/^\w+$/, /^\w+\?$/].map((form) =>
    expected
      .split(' ')
      .filter((word) => form.test(word))
      .map((word) => word.replace('?', '')),
  ) as [string[], string[]];
  const missing = always.filter((name) => !set.includes(name)).map((name) => `${name} is missing`);
  const surplus = set.filter((name) => !always.includes(name) && !sometimes.includes(name));
  return [...missing, ...surplus.map((name) => `${name} is too much`)];
}

/** The closed union in the source: a type that nothing here makes happen fails the test. */
async function eventTypes(): Promise<string[]> {
  const source = await readFile(new URL('../../src/core/audit/audit.ts', import.meta.url), 'utf8');
  const union = /export type EventType =([^;]+);/.exec(source)?.[1] ?? '';
  return [...union.matchAll(/'([^']+)'/g)].map(([, type]) => type ?? '').sort();
}

t.test('the audit trail', async (t) => {
  const resolvers = await startResolvers(t);
  const app = await startApp(t, { env: resolvers.env });
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist');
  const at = async (email: string, password?: string) => {
    const browser = new Agent(issuer);
    const step = await toStep(browser, (await assist.start()).url);
    const answer = await submitPassword(browser, step, email, password);
    const { actions } = answer.json() as { actions?: Record<string, { href: string }> };
    return { browser, act: (name: string) => browser.post(actions?.[name]?.href ?? '') };
  };
  const invite = (email: string, accountId: Parameters<typeof createInvitation>[1]['accountId']) =>
    inTransaction(ctx, (tx) => {
      const address = parseEmail(email);
      if (!address) throw new Error('not an email address');
      return createInvitation(tx, { accountId, email: address, role: 'agent', products: [] });
    });

  t.test('LG-01: everything that can happen does, and leaves its event', async (t) => {
    for (let guess = 0; guess < 7; guess += 1) await at('greg@globex.test', `wrong ${guess}`);
    await (await at('noseat@acme.test')).act('request_seat');
    await (await at('lea@lapsed.test')).act('abort');
    await createOperatorClient(ctx, 'first');
    await driveSales(app);

    const { browser, form } = await (async () => {
      const agent = new Agent(issuer);
      await signIn(agent, assist, 'alan@acme.test');
      return { browser: agent, form: (await obtainCode(assist, { browser: agent })).form };
    })();
    await post(issuer, '/token', form);
    await post(issuer, '/token', form);
    const jwtParty = demoParty(issuer, 'confidential', 'openid assist:read');
    const { tokens: jwt } = await signIn(browser, assist, 'alan@acme.test', { prompt: 'login' });
    const api = await signIn(new Agent(issuer), jwtParty, 'alan@acme.test', {
      resource: 'https://api.assist.test',
    });
    await post(issuer, '/revoke', { token: api.tokens.access_token }, demoBasic('confidential'));
    const seat = await seatOf(ctx, 'alan@acme.test', 'assist');
    await seat.remove();
    await post(issuer, '/token', refreshForm(jwt.refresh_token));
    await seat.giveBack();
    await signOut(t, browser, jwt.id_token ?? '');

    const accountId = await makeAccount(ctx);
    const invitation = await invite('new@made.test', accountId);
    app.advance(60);
    await inTransaction(ctx, (tx) => resendInvitation(tx, invitation));
    const mail = await ctx.db
      .selectFrom('mailOutbox')
      .select(['id', 'secretsSealed'])
      .where('recipient', '=', 'new@made.test')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow();
    const opened = open(ctx.config.secretKeys, mail.secretsSealed ?? '', `mail_outbox/${mail.id}`);
    const { token } = JSON.parse(opened) as { token: string };
    await acceptInvitation(ctx, { token, password: 'quite a long new password' });
    const second = await invite('other@made.test', accountId);
    await inTransaction(ctx, (tx) => revokeInvitation(tx, second));

    const imported = await makeUser(ctx, { email: 'imported@made.test', password: null });
    await makeMember(ctx, imported.id, accountId);
    const foreign = await hash('a password from elsewhere', 10);
    await inTransaction(ctx, (tx) => importPasswordHash(tx, imported.id, foreign));
    await at('imported@made.test', 'a password from elsewhere');

    const forgetful = new Agent(issuer);
    const reset = await obtainReset(app, forgetful, 'ian@initech.test');
    await openLink(forgetful, reset.token);
    t.equal((await complete(forgetful)).status, 200);

    await drivePeople(app);
    await driveSeatRequests(app);
    await driveDomains(app, resolvers);
    await driveCompanySignIns(app);
    await driveLinks(app);
    await driveConnections(app);
    await driveOperators(app);

    const types = await eventTypes();
    const seen = new Set(
      (await ctx.db.selectFrom('events').select('type').distinct().execute()).map(({ type }) => type),
    );
    const [known, described] = [new Set(types), new Set(Object.keys(eventCatalogue))];
    t.same(
      [...described].filter((type) => !known.has(type)),
      [],
      'described, but no event of ours',
    );
    t.same(
      [...seen].filter((type) => !known.has(type)),
      [],
      'written, but no event of ours',
    );
    t.same(
      types.filter((type) => !described.has(type)),
      [],
      'without a line in event-catalogue.ts',
    );
    t.same(
      types.filter((type) => !seen.has(type)),
      [],
      'nothing here makes it happen',
    );
  });

  t.test('LG-01: each event says what its kind says, and no more', async (t) => {
    const events = await listEvents(ctx.db, { limit: 10_000 });
    for (const event of events) {
      const shape = eventCatalogue[event.type as EventType];
      if (!shape) continue; // the test before has said so
      const { names, details } = shape;
      const columns = {
        actor: 'actorId',
        user: 'userId',
        account: 'accountId',
        client: 'clientId',
        case: 'caseId',
      } as const;
      const named = Object.entries(columns).filter(([, column]) => event[column] !== null);
      t.same(
        unlike(
          named.map(([name]) => name),
          names,
        ),
        [],
        `${event.type}: who and what`,
      );
      t.same(unlike(Object.keys(event.details), details), [], `${event.type}: details`);
    }
  });

  t.test('LG-01: of one thing there is one event', async (t) => {
    for (const cause of ['xmin::text', `coalesce(request_id, id)`]) {
      const { rows } = await sql`select type, details from events
        group by ${sql.raw(cause)}, type, user_id, account_id, details having count(*) > 1`.execute(ctx.db);
      t.same(rows, [], cause);
    }
  });

  t.test('LG-01: an event of a request says from where, and all say when', async (t) => {
    const events = await ctx.db
      .selectFrom('events')
      .select(['id', 'type', 'occurredAt', 'requestId', 'ip', 'userId', 'caseId', 'details'])
      .execute();
    const fromRequests = new Set(['sign_in.failed', 'sign_in.denied', 'user.signed_in', 'token.refused']);
    for (const { id, type, occurredAt, requestId, ip, caseId, details } of events) {
      t.match(id, /^evt_[0-9a-z]{26}$/);
      t.ok(occurredAt instanceof Date && occurredAt <= ctx.now());
      t.notMatch(JSON.stringify(details), /@|correct horse/, `${type} names no address and no secret`);
      if (!fromRequests.has(type)) continue;
      t.match(requestId, /^[\w-]{12}$/, type);
      t.match(ip, /127\.0\.0\.1/, type);
      if (type !== 'user.signed_in') t.match(caseId, /^[0-9A-Z]{4}-[0-9A-Z]{4}$/, type);
    }
  });

  t.test('LG-04: what is written stays written', async (t) => {
    const denied = { code: '42501' };
    await t.rejects(ctx.db.deleteFrom('events').execute(), denied);
    await t.rejects(ctx.db.updateTable('events').set({ type: 'nothing' }).execute(), denied);
    await t.rejects(
      ctx.db.updateTable('events').set({ type: 'x' }).where('type', '=', 'nobody').execute(),
      denied,
    );
  });
});

t.test('AU-09: who is switched off is out everywhere, at once', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist');
  const browser = new Agent(issuer);
  const { tokens } = await signIn(browser, assist, 'alan@acme.test');
  const { form } = await obtainCode(assist, { browser });
  const id = await demoUserId(ctx, 'alan@acme.test');
  await ctx.db.updateTable('users').set({ state: 'deactivated' }).where('id', '=', id).execute();

  const step = await toStep(new Agent(issuer), (await assist.start()).url);
  t.equal(step.status, 200);
  const stranger = new Agent(issuer);
  const typed = await submitPassword(
    stranger,
    await toStep(stranger, (await assist.start()).url),
    'alan@acme.test',
  );
  t.match(typed.json(), { step: 'denied', code: 'user_deactivated' });
  const silent = await browser.get((await assist.start({ prompt: 'none' })).url.href);
  t.match(new URL(silent.location ?? '').searchParams.get('error_description'), /^user_deactivated/);
  t.equal((await post(issuer, '/token', form)).status, 400, 'the code');
  t.equal((await post(issuer, '/token', refreshForm(tokens.refresh_token))).status, 400, 'the refresh token');
  const info = await browser.get('/userinfo', {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  t.equal(info.status, 401, 'userinfo');
  const asked = await browser.post('/password-resets', { json: { email: 'alan@acme.test' } });
  t.equal(asked.status, 202);
  await app.runJob('password resets');
  const mails = await ctx.db
    .selectFrom('mailOutbox')
    .select('template')
    .where('recipient', '=', 'alan@acme.test')
    .execute();
  t.same(mails, [], 'no reset');
});
