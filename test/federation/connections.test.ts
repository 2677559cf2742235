/** The life of a connection: nothing goes live untested, nothing locks everybody out, and all of it leaves a trace. */
import t from 'tap';
import { type Context, inTransaction, type Tx } from '../../src/context.ts';
import {
  beginTest,
  bindDomain,
  type Connection,
  consumeTest,
  createConnectionKey,
  deleteConnection,
  disableConnection,
  enableConnection,
  findHome,
  isTested,
  listConnections,
  openClientSecret,
  passTest,
  pilotConnection,
  requireConnection,
  reviseConnection,
  unbindDomain,
} from '../../src/core/connections/connections.ts';
import { vouchForDomain } from '../../src/core/domains/domains.ts';
import { type EmailAddress, parseEmail } from '../../src/kernel/email-address.ts';
import type { AccountId, ConnectionId, UserId } from '../../src/kernel/ids.ts';
import { hour, minute } from '../../src/kernel/time.ts';
import { startApp } from '../support/app.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';
import {
  getConnection,
  makeOidc,
  makeSaml,
  namedCertificate,
  passNow,
  publishedWith,
  signedIn,
} from '../support/make-connection.ts';

const app = await startApp(t, { demo: false });
const { ctx } = app;
const write = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => inTransaction(ctx, work);

const email = (text: string): EmailAddress => {
  const parsed = parseEmail(text);
  if (!parsed) throw new Error('not an email address');
  return parsed;
};

async function eventsOf(id: ConnectionId): Promise<string[]> {
  const rows = await ctx.db.selectFrom('events').select(['type', 'details']).orderBy('id').execute();
  return rows
    .filter(({ details }) => (details as { connection_id?: string }).connection_id === id)
    .map(({ type }) => type);
}

async function lastEvent(type: string) {
  return ctx.db
    .selectFrom('events')
    .select(['type', 'actorId', 'accountId', 'details'])
    .where('type', '=', type)
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow();
}

async function makeAdmin(accountId: AccountId, password?: null): Promise<UserId> {
  const { id } = await makeUser(ctx, password === null ? { password } : {});
  await makeMember(ctx, id, accountId, 'admin');
  return id;
}

/** An enabled connection by which an admin has just come in. */
async function makeEnabled(accountId: AccountId): Promise<{ connection: Connection; admin: UserId }> {
  const connection = await makeSaml(ctx, accountId);
  await passNow(ctx, connection.id);
  await write((tx) => enableConnection(tx, { connectionId: connection.id }));
  const admin = await makeAdmin(accountId);
  await signedIn(ctx, connection, admin);
  return { connection, admin };
}

const stateOf = async (id: ConnectionId): Promise<string> => (await getConnection(ctx, id)).state;

async function breakGlassOf(context: Context, accountId: AccountId): Promise<UserId[]> {
  const rows = await context.db
    .selectFrom('memberships')
    .select('userId')
    .where('accountId', '=', accountId)
    .where('breakGlass', '=', true)
    .orderBy('userId')
    .execute();
  return rows.map(({ userId }) => userId);
}

t.test('a connection begins as a draft, and nothing but a test makes it more', async (t) => {
  const connection = await makeSaml(ctx, await makeAccount(ctx));
  const { id: connectionId } = connection;
  t.match(connection, { state: 'draft', revision: 1, testedHash: null });
  const code = 'connection_not_tested';
  await t.rejects(
    write((tx) => enableConnection(tx, { connectionId })),
    { code },
  );
  await t.rejects(
    write((tx) => pilotConnection(tx, { connectionId, emails: [email('a@acme.test')] })),
    { code },
  );
  await t.rejects(
    write((tx) => requireConnection(tx, { connectionId, breakGlass: [] })),
    { code },
  );
  t.equal(await stateOf(connectionId), 'draft');
  await passNow(ctx, connectionId);
  t.equal(await stateOf(connectionId), 'tested');
  t.same(await eventsOf(connectionId), ['connection.created', 'connection.tested']);
});

t.test('a test passes for exactly the settings it was of', async (t) => {
  const { id: connectionId, settings, settingsHash } = await makeSaml(ctx, await makeAccount(ctx));
  await write((tx) => reviseConnection(tx, { connectionId, settings: { ...settings, encryption: true } }));
  t.equal(await write((tx) => passTest(tx, { connectionId, settingsHash })), false, 'another one by now');
  t.match(await getConnection(ctx, connectionId), { state: 'draft', testedHash: null });
  t.equal(
    await write((tx) => passTest(tx, { connectionId: 'con_gone', settingsHash })),
    false,
    'and none that is gone',
  );
});

t.test('a link to test works once and for ten minutes', async (t) => {
  const { id: connectionId, settingsHash } = await makeSaml(ctx, await makeAccount(ctx));
  const link = new URL(await beginTest(ctx, { connectionId, by: 'usr_admin' }));
  t.equal(`${link.origin}${link.pathname}`, `${app.issuer}/federation/${connectionId}/start`);
  const token = link.searchParams.get('test') ?? '';
  const racers = await Promise.all(Array.from({ length: 20 }, () => write((tx) => consumeTest(tx, token))));
  t.strictSame(
    racers.filter((one) => one !== undefined),
    [{ connectionId, settingsHash, createdBy: 'usr_admin' }],
  );

  const late = new URL(await beginTest(ctx, { connectionId })).searchParams.get('test') ?? '';
  const stored = await ctx.db.selectFrom('connectionTests').select('tokenHash').execute();
  t.equal(stored.length, 1);
  t.not(stored[0]?.tokenHash.toString('base64url'), late, 'what is stored does not start one');
  app.advance(10 * minute);
  t.equal(await write((tx) => consumeTest(tx, late)), undefined);
  await t.rejects(beginTest(ctx, { connectionId: 'con_gone' }), { code: 'not_found' });
});

t.test('an edit makes a draft of what was tested; what is undone is tested again', async (t) => {
  const { id: connectionId, settings } = await makeSaml(ctx, await makeAccount(ctx));
  await passNow(ctx, connectionId);
  await write((tx) => reviseConnection(tx, { connectionId, label: 'Another name' }));
  t.match(await getConnection(ctx, connectionId), { state: 'tested', label: 'Another name', revision: 2 });
  await write((tx) => reviseConnection(tx, { connectionId, settings: { ...settings, idpInitiated: 'off' } }));
  t.equal(await stateOf(connectionId), 'draft');
  await t.rejects(
    write((tx) => enableConnection(tx, { connectionId })),
    { code: 'connection_not_tested' },
  );
  await write((tx) => reviseConnection(tx, { connectionId, settings }));
  t.equal(await stateOf(connectionId), 'tested');
});

t.test('a mapping counts as much as the settings', async (t) => {
  const { id: connectionId, mapping } = await makeSaml(ctx, await makeAccount(ctx));
  await passNow(ctx, connectionId);
  const raised = { ...mapping, roles: { everybody: 'admin' as const }, roleCeiling: 'admin' as const };
  await write((tx) => reviseConnection(tx, { connectionId, mapping: raised, by: 'usr_admin' }));
  t.equal(await stateOf(connectionId), 'draft');
  const event = await lastEvent('connection.changed');
  t.match(event, { actorId: 'usr_admin', details: { connection_id: connectionId } });
  t.strictSame((event.details as { changes: object }).changes, {
    roles: { before: {}, after: { everybody: 'admin' } },
    role_ceiling: { before: 'agent', after: 'admin' },
  });
});

t.test('a live connection that is edited stays live, untested, until it is to go further', async (t) => {
  const { connection } = await makeEnabled(await makeAccount(ctx));
  const { id: connectionId, settings } = await getConnection(ctx, connection.id);
  if (settings.kind !== 'saml') throw new Error('not SAML');
  await write((tx) => reviseConnection(tx, { connectionId, settings: { ...settings, encryption: true } }));
  const edited = await getConnection(ctx, connectionId);
  t.match(edited, { state: 'enabled', revision: 2 });
  t.notOk(isTested(edited));
  const breakGlass = [await makeAdmin(connection.accountId)];
  await t.rejects(
    write((tx) => requireConnection(tx, { connectionId, breakGlass })),
    {
      code: 'connection_not_tested',
    },
  );
});

t.test('a client secret is kept unless another one is given, and only sealed', async (t) => {
  const { id: connectionId, settings } = await makeOidc(ctx, await makeAccount(ctx));
  await passNow(ctx, connectionId);
  await write((tx) => reviseConnection(tx, { connectionId, settings, label: 'New' }));
  const kept = await getConnection(ctx, connectionId);
  t.equal(openClientSecret(ctx.config, kept), 'a client secret of theirs');
  t.equal(kept.state, 'tested');
  await write((tx) => reviseConnection(tx, { connectionId, secret: 'quite another secret' }));
  const changed = await getConnection(ctx, connectionId);
  t.equal(openClientSecret(ctx.config, changed), 'quite another secret');
  t.equal(changed.state, 'draft');
  t.notMatch(
    JSON.stringify(await ctx.db.selectFrom('connections').select(['settings', 'secretSealed']).execute()),
    /secret of theirs/,
  );
  t.notMatch(JSON.stringify(await ctx.db.selectFrom('events').select('details').execute()), /another secret/);
});

t.test('another identity provider does not come in under the keys of the old one', async (t) => {
  const { id: connectionId, settings } = await makeSaml(ctx, await makeAccount(ctx));
  const moved = { ...settings, entityId: 'https://other.example.test/metadata' };
  await t.rejects(
    write((tx) => reviseConnection(tx, { connectionId, settings: moved })),
    {
      code: 'invalid_input',
      fields: { entityId: String },
    },
  );
  const published = publishedWith(namedCertificate('b'));
  await write((tx) => reviseConnection(tx, { connectionId, settings: moved, published }));
  t.match(await getConnection(ctx, connectionId), { settings: moved, published });

  const oidc = await makeOidc(ctx, await makeAccount(ctx));
  await ctx.db
    .updateTable('connections')
    .set({ published: JSON.stringify({ ...oidc.published, jwks: { keys: [] } }) })
    .where('id', '=', oidc.id)
    .execute();
  const other = { ...oidc.settings, issuer: 'https://other.example.test' };
  await write((tx) => reviseConnection(tx, { connectionId: oidc.id, settings: other }));
  t.match(await getConnection(ctx, oidc.id), { published: { metadata: null, jwks: null } });
  await t.rejects(
    write((tx) => reviseConnection(tx, { connectionId, settings: other })),
    {
      code: 'invalid_input',
      fields: { kind: String },
    },
  );
  await t.rejects(
    write((tx) => reviseConnection(tx, { connectionId: oidc.id, settings })),
    {
      code: 'invalid_input',
      fields: { kind: String },
    },
  );
});

t.test('a pilot takes the listed people, and enabling takes everybody', async (t) => {
  const accountId = await makeAccount(ctx);
  const { id: connectionId } = await makeSaml(ctx, accountId);
  const domain = await write((tx) => vouchForDomain(tx, { accountId, name: 'pilot.example' }));
  await write((tx) => bindDomain(tx, { connectionId, domainId: domain.id }));
  await passNow(ctx, connectionId);
  const [ada, bob] = [email('ada@pilot.example'), email('bob@pilot.example')];
  await write((tx) => pilotConnection(tx, { connectionId, emails: [ada, ada] }));
  t.match(await getConnection(ctx, connectionId), { state: 'pilot', pilotEmails: [ada] });
  t.equal((await findHome(ctx.db, ada)).connections[0]?.id, connectionId);
  t.same((await findHome(ctx.db, bob)).connections, []);
  await write((tx) => enableConnection(tx, { connectionId }));
  t.equal((await findHome(ctx.db, bob)).connections[0]?.id, connectionId);
  await write((tx) => disableConnection(tx, { connectionId }));
  t.same((await findHome(ctx.db, ada)).connections, []);
  await t.rejects(
    write((tx) => pilotConnection(tx, { connectionId, emails: [] })),
    { code: 'invalid_input' },
  );
  t.notMatch(JSON.stringify((await lastEvent('connection.piloted')).details), /@/, 'the trail names nobody');
});

t.test('requiring needs an enabled connection', async (t) => {
  const accountId = await makeAccount(ctx);
  const connection = await makeSaml(ctx, accountId);
  const { id: connectionId } = connection;
  await passNow(ctx, connectionId);
  const admin = await makeAdmin(accountId);
  await signedIn(ctx, connection, admin);
  const attempt = () => write((tx) => requireConnection(tx, { connectionId, breakGlass: [admin] }));
  await t.rejects(attempt(), { code: 'connection_not_enabled' });
  await write((tx) => pilotConnection(tx, { connectionId, emails: [email('a@b.example')] }));
  await t.rejects(attempt(), { code: 'connection_not_enabled' });
});

t.test('requiring needs an admin who has come in by it within the hour', async (t) => {
  const accountId = await makeAccount(ctx);
  const connection = await makeSaml(ctx, accountId);
  const { id: connectionId } = connection;
  await passNow(ctx, connectionId);
  await write((tx) => enableConnection(tx, { connectionId }));
  const admin = await makeAdmin(accountId);
  const attempt = () => write((tx) => requireConnection(tx, { connectionId, breakGlass: [admin] }));
  const code = 'admin_sign_in_missing';
  await t.rejects(attempt(), { code }, 'nobody has');

  const { id: agent } = await makeUser(ctx);
  await makeMember(ctx, agent, accountId);
  await signedIn(ctx, connection, agent);
  await t.rejects(attempt(), { code }, 'an agent');

  const stranger = await makeAdmin(await makeAccount(ctx));
  await signedIn(ctx, connection, stranger);
  await t.rejects(attempt(), { code }, 'an admin of another account');

  const { connection: elsewhere } = await makeEnabled(accountId);
  await signedIn(ctx, elsewhere, admin);
  await t.rejects(attempt(), { code }, 'by another connection');

  await ctx.db
    .updateTable('connectionAttempts')
    .set({ purpose: 'test', connectionId })
    .where('connectionId', '=', elsewhere.id)
    .execute();
  await t.rejects(attempt(), { code }, 'in a test');

  await signedIn(ctx, connection, admin);
  app.advance(hour);
  await t.rejects(attempt(), { code }, 'an hour ago');
  await signedIn(ctx, connection, admin);
  await attempt();
  t.equal(await stateOf(connectionId), 'required');
});

t.test('requiring names one or two admins who keep their password', async (t) => {
  const accountId = await makeAccount(ctx);
  const { connection, admin } = await makeEnabled(accountId);
  const { id: connectionId } = connection;
  const { id: agent } = await makeUser(ctx);
  await makeMember(ctx, agent, accountId);
  const [second, third, passwordless, foreign, left] = [
    await makeAdmin(accountId),
    await makeAdmin(accountId),
    await makeAdmin(accountId, null),
    await makeAdmin(await makeAccount(ctx)),
    await makeAdmin(accountId),
  ];
  await ctx.db.updateTable('users').set({ state: 'deactivated' }).where('id', '=', left).execute();
  const attempt = (...breakGlass: UserId[]) =>
    write((tx) => requireConnection(tx, { connectionId, breakGlass, by: admin }));
  const refused = {
    nobody: [],
    three: [admin, second, third],
    'an agent': [agent],
    'without a password': [passwordless],
    'of another account': [foreign],
    'switched off': [left],
    'one of two': [admin, passwordless],
  };
  for (const [why, users] of Object.entries(refused)) {
    await t.rejects(attempt(...users), { code: 'invalid_input', fields: { breakGlass: String } }, why);
    t.equal(await stateOf(connectionId), 'enabled', why);
  }
  t.same(await breakGlassOf(ctx, accountId), []);

  await attempt(admin, second, admin);
  t.equal(await stateOf(connectionId), 'required');
  t.same(await breakGlassOf(ctx, accountId), [admin, second].sort());
  await attempt(third);
  t.same(await breakGlassOf(ctx, accountId), [third], 'naming others withdraws it from those before');
  t.same((await eventsOf(connectionId)).filter((type) => /glass|required/.test(type)).sort(), [
    ...['break_glass.named', 'break_glass.named', 'break_glass.named'],
    ...['break_glass.withdrawn', 'break_glass.withdrawn'],
    'connection.required',
  ]);
});

t.test(
  'FD-06: a connection that is disabled has another revision, so that nobody on their way comes in',
  async (t) => {
    const { connection } = await makeEnabled(await makeAccount(ctx));
    const before = await getConnection(ctx, connection.id);
    await write((tx) => disableConnection(tx, { connectionId: connection.id, by: 'usr_admin' }));
    t.match(await getConnection(ctx, connection.id), { state: 'disabled', revision: before.revision + 1 });
    t.match(await lastEvent('connection.disabled'), {
      actorId: 'usr_admin',
      accountId: connection.accountId,
      details: { before: 'enabled' },
    });
    await write((tx) => enableConnection(tx, { connectionId: connection.id }));
    t.equal(await stateOf(connection.id), 'enabled', 'its test still counts');
  },
);

t.test(
  'FD-06: a deleted connection takes its identities and ways along, and leaves the domain',
  async (t) => {
    const accountId = await makeAccount(ctx);
    const { connection, admin } = await makeEnabled(accountId);
    const { id: connectionId } = connection;
    const domain = await write((tx) => vouchForDomain(tx, { accountId, name: 'deleted.example' }));
    await write((tx) => bindDomain(tx, { connectionId, domainId: domain.id }));
    await createConnectionKey(ctx, { connectionId, use: 'signing', state: 'current' });
    await beginTest(ctx, { connectionId });
    await ctx.db
      .insertInto('identities')
      .values({
        id: 'idn_deleted',
        userId: admin,
        accountId,
        connectionId,
        issuer: 'https://idp.example.test',
        subject: 'admin',
        proof: '{}',
        createdAt: ctx.now(),
        lastUsedAt: ctx.now(),
      })
      .execute();
    await write((tx) => deleteConnection(tx, { connectionId }));
    for (const table of [
      'identities',
      'connectionKeys',
      'connectionTests',
      'connectionDomains',
      'connectionAttempts',
    ] as const) {
      const left = await ctx.db
        .selectFrom(table)
        .select('connectionId')
        .where('connectionId', '=', connectionId)
        .execute();
      t.same(left, [], table);
    }
    t.same((await ctx.db.selectFrom('domains').select('state').where('id', '=', domain.id).execute())[0], {
      state: 'verified',
    });
    t.match((await lastEvent('connection.deleted')).details, {
      kind: 'saml',
      identities: 1,
      before: 'enabled',
    });
    await t.rejects(
      write((tx) => deleteConnection(tx, { connectionId })),
      { code: 'not_found' },
    );
  },
);

t.test('a domain is bound to a connection of its own account and of no other', async (t) => {
  const accountId = await makeAccount(ctx);
  const { id: connectionId } = await makeSaml(ctx, accountId);
  const own = await write((tx) => vouchForDomain(tx, { accountId, name: 'own.example' }));
  const foreign = await write(async (tx) =>
    vouchForDomain(tx, { accountId: await makeAccount(ctx), name: 'foreign.example' }),
  );
  await t.rejects(
    write((tx) => bindDomain(tx, { connectionId, domainId: foreign.id })),
    { code: 'not_found' },
  );
  await write((tx) => bindDomain(tx, { connectionId, domainId: own.id }));
  await write((tx) =>
    bindDomain(tx, { connectionId, domainId: own.id, priority: 5, addresses: [email('a@own.example')] }),
  );
  const bindings = () =>
    ctx.db
      .selectFrom('connectionDomains')
      .select(['domainId', 'priority', 'addresses'])
      .where('connectionId', '=', connectionId)
      .execute();
  t.strictSame(await bindings(), [{ domainId: own.id, priority: 5, addresses: ['a@own.example'] }]);
  await t.rejects(
    write((tx) => bindDomain(tx, { connectionId, domainId: own.id, addresses: [] })),
    {
      code: 'invalid_input',
    },
  );
  // the last line of defence, were the operation to forget
  await t.rejects(
    ctx.db
      .insertInto('connectionDomains')
      .values({ accountId, connectionId, domainId: foreign.id })
      .execute(),
    { code: '23503' },
  );
  await write((tx) => unbindDomain(tx, { connectionId, domainId: own.id }));
  t.same(await bindings(), []);
  await t.rejects(
    write((tx) => unbindDomain(tx, { connectionId, domainId: own.id })),
    { code: 'not_found' },
  );
});

t.test('of changes that meet, each sees what the one before has done', async (t) => {
  const { connection, admin } = await makeEnabled(await makeAccount(ctx));
  const { id: connectionId, settings } = await getConnection(ctx, connection.id);
  if (settings.kind !== 'saml') throw new Error('not SAML');
  const edit = { ...settings, encryption: true };
  const required = Array.from({ length: 8 }, () =>
    write((tx) => requireConnection(tx, { connectionId, breakGlass: [admin] })).then(
      () => true,
      () => false,
    ),
  );
  const edited = write((tx) => reviseConnection(tx, { connectionId, settings: edit }));
  const others = Array.from({ length: 8 }, () =>
    write((tx) => requireConnection(tx, { connectionId, breakGlass: [admin] })).then(
      () => true,
      () => false,
    ),
  );
  const [won] = await Promise.all([Promise.all([...required, ...others]), edited]);
  const types = await eventsOf(connectionId);
  const afterEdit = types.slice(types.indexOf('connection.changed'));
  t.notOk(afterEdit.includes('connection.required'), 'nothing is required that is untested');
  t.equal(types.filter((type) => type === 'connection.required').length, won.includes(true) ? 1 : 0, 'once');

  const racing = await makeSaml(ctx, connection.accountId);
  await Promise.all(
    Array.from({ length: 10 }, (_one, at) =>
      write((tx) => reviseConnection(tx, { connectionId: racing.id, label: `label ${at}` })),
    ),
  );
  t.equal((await getConnection(ctx, racing.id)).revision, 11, 'no edit is lost');
});

t.test('the connections of an account, and of no other', async (t) => {
  const accountId = await makeAccount(ctx);
  const one = await makeSaml(ctx, accountId);
  const two = await makeOidc(ctx, accountId);
  await makeSaml(ctx, await makeAccount(ctx));
  t.same(
    (await listConnections(ctx.db, accountId)).map(({ id }) => id),
    [two.id, one.id],
  );
});
