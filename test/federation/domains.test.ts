/** The domains of an account: claimed, proven by the DNS, looked for every day, and one account's at most. */
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { bindDomain, createConnection } from '../../src/core/connections/connections.ts';
import {
  challengeRecord,
  claimDomain,
  coveringDomain,
  type Domain,
  findDomainOwner,
  listDomains,
  releaseDomain,
  resolveDispute,
  resumeLinking,
  setIncludeSubdomains,
  verifyDomain,
  vouchForDomain,
} from '../../src/core/domains/domains.ts';
import type { AccountId, ConnectionId } from '../../src/kernel/ids.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import type { DnsServer } from '../support/dns.ts';
import { type Resolvers, startResolvers } from '../support/domains.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';

const day = 86_400;

interface World extends TestApp, Resolvers {}

async function startWorld(t: Test, databaseUrl?: string): Promise<World> {
  const resolvers = await startResolvers(t);
  const { env } = resolvers;
  return { ...(await startApp(t, { demo: false, env, ...(databaseUrl && { databaseUrl }) })), ...resolvers };
}

const claim = ({ ctx }: TestApp, accountId: AccountId, name: string): Promise<Domain> =>
  inTransaction(ctx, (tx) => claimDomain(tx, { accountId, name, actor: 'usr_admin' }));

const verify = ({ ctx }: TestApp, { accountId, id }: Domain): Promise<Domain> =>
  verifyDomain(ctx, { accountId, id, actor: 'usr_admin' });

async function makeVerified(world: World, name: string, accountId?: AccountId): Promise<Domain> {
  const domain = await claim(world, accountId ?? (await makeAccount(world.ctx)), name);
  world.prove(domain);
  return verify(world, domain);
}

async function makeAdmin({ ctx }: TestApp, accountId: AccountId, locale: string): Promise<string> {
  const { id, email } = await makeUser(ctx, { password: null });
  await makeMember(ctx, id, accountId, 'admin');
  await ctx.db.updateTable('users').set({ locale }).where('id', '=', id).execute();
  return email;
}

const stateOf = async ({ ctx }: TestApp, { id }: Domain): Promise<string | undefined> => {
  const query = ctx.db.selectFrom('domains').select('state').where('id', '=', id);
  return (await query.executeTakeFirst())?.state;
};

const eventsOf = async ({ ctx }: TestApp, accountId: AccountId): Promise<string[]> => {
  const query = ctx.db.selectFrom('events').select('type').where('accountId', '=', accountId);
  return (await query.where('type', 'like', 'domain.%').orderBy('id').execute()).map(({ type }) => type);
};

const mailsTo = async ({ ctx }: TestApp, recipient: string) => {
  const query = ctx.db.selectFrom('mailOutbox').select(['template', 'locale', 'data']);
  return query.where('recipient', '=', recipient).orderBy('id').execute();
};

/** Days on which the job finds the domains due: it comes round once a day, give or take two hours. */
async function passDays(world: World, days: number): Promise<void> {
  for (let passed = 0; passed < days; passed += 1) {
    world.advance(day + 2 * 3600);
    await world.runJob('domains');
  }
}

t.test('a claim is proven by its record', async (t) => {
  const world = await startWorld(t);
  const [acme, globex] = [await makeAccount(world.ctx), await makeAccount(world.ctx)];
  const domain = await claim(world, acme, ' ACME.test. ');
  const record = challengeRecord(domain);
  t.match(domain, { name: 'acme.test', state: 'pending', includeSubdomains: false, verifiedAt: null });
  t.equal(record.name, '_doorward-challenge.acme.test');
  t.match(record.value, /^doorward-verification=[0-9a-f]{32}$/, '128 bits');
  t.same(await claim(world, acme, 'acme.TEST'), domain, 'claimed once');
  const twice = await Promise.all([claim(world, acme, 'twice.test'), claim(world, acme, 'twice.test')]);
  t.equal(twice[0].id, twice[1].id, 'also of two at once');
  const other = await claim(world, globex, 'acme.test');
  t.not(challengeRecord(other).value, record.value);
  t.equal(await findDomainOwner(world.ctx.db, 'acme.test'), undefined, 'a claim is worth nothing');

  await t.rejects(verify(world, domain), { code: 'domain_not_proven' }, 'without a record');
  for (const server of world.servers) server.setTxt(record.name, 'v=spf1 -all', challengeRecord(other).value);
  await t.rejects(verify(world, domain), { code: 'domain_not_proven' }, 'with the record of another claim');
  t.equal(await stateOf(world, domain), 'pending');

  for (const server of world.servers) server.setTxt(record.name, 'v=spf1 -all', record.value);
  const verified = await verify(world, domain);
  t.match(verified, { state: 'verified', misses: 0, firstMissedAt: null });
  const inSeconds = ((verified.nextCheckAt?.getTime() ?? 0) - world.ctx.now().getTime()) / 1000;
  t.ok(Math.abs(inSeconds - day) <= 7210, 'looked for again in a day, about');
  const owner = { id: domain.id, accountId: acme, state: 'verified' };
  t.same(await findDomainOwner(world.ctx.db, 'acme.test'), owner);
  t.match(await verify(world, domain), { state: 'verified', verifiedAt: verified.verifiedAt }, 'and again');
  t.same(await eventsOf(world, acme), ['domain.claimed', 'domain.claimed', 'domain.verified']);
  const events = await world.ctx.db
    .selectFrom('events')
    .select(['actorId', 'details'])
    .where('type', '=', 'domain.verified')
    .execute();
  t.match(events, [
    { actorId: 'usr_admin', details: { domain_id: domain.id, name: 'acme.test', method: 'dns' } },
  ]);
  t.same(
    (await listDomains(world.ctx.db, acme)).map(({ name, state }) => [name, state]),
    [
      ['acme.test', 'verified'],
      ['twice.test', 'pending'],
    ],
  );
});

t.test('H04: some names are refused, and of others’ names nothing is told', async (t) => {
  const world = await startWorld(t);
  const [acme, globex] = [await makeAccount(world.ctx), await makeAccount(world.ctx)];
  for (const name of [
    'gmail.com',
    'mail.gmail.com',
    'co.uk',
    'github.io',
    'com',
    '%61cme.com',
    '127.0.0.1',
    '',
  ])
    await t.rejects(claim(world, acme, name), { code: 'domain_refused' }, name);
  await makeVerified(world, 'acme.test', acme);
  const [taken, free] = [await claim(world, globex, 'acme.test'), await claim(world, globex, 'free.test')];
  t.equal(taken.state, free.state);
  await t.rejects(verify(world, taken), { code: 'domain_not_proven' });
  await t.rejects(verify(world, free), { code: 'domain_not_proven' });
  t.match(await findDomainOwner(world.ctx.db, 'acme.test'), { accountId: acme });
});

t.test('a domain is its account’s alone to verify, to change and to give up', async (t) => {
  const world = await startWorld(t);
  const { ctx } = world;
  const domain = await makeVerified(world, 'acme.test');
  const foreign = { id: domain.id, accountId: await makeAccount(ctx) };
  const missing = { code: 'not_found' };
  await t.rejects(verifyDomain(ctx, foreign), missing);
  await t.rejects(
    inTransaction(ctx, (tx) => releaseDomain(tx, foreign)),
    missing,
  );
  await t.rejects(
    inTransaction(ctx, (tx) => setIncludeSubdomains(tx, { ...foreign, includeSubdomains: true })),
    missing,
  );

  const { accountId, id } = domain;
  await inTransaction(ctx, (tx) => releaseDomain(tx, { accountId, id, actor: 'usr_admin' }));
  t.equal(await findDomainOwner(ctx.db, 'acme.test'), undefined);
  t.same(await listDomains(ctx.db, accountId), []);
  await t.rejects(
    inTransaction(ctx, (tx) => releaseDomain(tx, { accountId, id })),
    missing,
    'once',
  );
  await t.rejects(verify(world, domain), missing);
  const again = await claim(world, accountId, 'acme.test');
  t.not(again.challenge, domain.challenge, 'the old record proves nothing any more');
  await t.rejects(verify(world, again), { code: 'domain_not_proven' });
});

t.test('what the DNS servers do not agree on is not proven', async (t) => {
  const world = await startWorld(t);
  const [one, two] = world.servers;
  const domain = await claim(world, await makeAccount(world.ctx), 'acme.test');
  const { name, value } = challengeRecord(domain);
  const refused = (why: string) => t.rejects(verify(world, domain), { code: 'domain_not_proven' }, why);
  one.setTxt(name, value);
  await refused('one has the record');
  two.setTxt(name, 'something else');
  await refused('the other has another');
  two.setTxt(name, value);
  for (const mood of ['SERVFAIL', 'REFUSED', 'silence'] as const) {
    two.answerWith(mood);
    await refused(mood);
  }
  two.answerWith('records');
  const near = [
    value.toUpperCase(),
    `${value}0`,
    value.slice(0, -1),
    ` ${value}`,
    `"${value}"`,
    domain.challenge,
  ];
  for (const text of near) {
    for (const server of world.servers) server.setTxt(name, text);
    await refused(text);
  }
  t.equal(await stateOf(world, domain), 'pending');
});

t.test('the record may be an alias, in pieces, or one of many', async (t) => {
  const world = await startWorld(t);
  const ways: Record<string, (server: DnsServer, name: string, value: string) => void> = {
    'an alias': (server, name, value) => {
      server.setAlias(name, 'acme.proofs.example');
      server.setTxt('acme.proofs.example', value);
    },
    'in pieces': (server, name, value) => {
      server.setTxt(name, ['', value.slice(0, 5), value.slice(5)]);
    },
    // which do not fit into a datagram: the rest is asked for over TCP
    'one of many': (server, name, value) => {
      server.setTxt(name, ...Array.from({ length: 200 }, (_, at) => `another-verification=${at}`), value);
    },
  };
  for (const [what, write] of Object.entries(ways)) {
    const domain = await claim(world, await makeAccount(world.ctx), `${what.replaceAll(' ', '-')}.test`);
    const { name, value } = challengeRecord(domain);
    for (const server of world.servers) write(server, name, value);
    t.match(await verify(world, domain), { state: 'verified' }, what);
  }
});

t.test('FD-08: who proves the domain of another takes nothing, and both are told', async (t) => {
  const world = await startWorld(t);
  const owner = await makeVerified(world, 'acme.test');
  const claimant = await claim(world, await makeAccount(world.ctx), 'acme.test');
  const admins = [
    await makeAdmin(world, owner.accountId, 'ja'),
    await makeAdmin(world, claimant.accountId, 'de'),
  ] as const;
  world.prove(owner, claimant);
  t.match(await verify(world, claimant), { id: claimant.id, state: 'disputed' });
  t.match(await verify(world, claimant), { state: 'disputed' }, 'and again');
  t.match(await verify(world, owner), { state: 'verified' });
  t.match(await findDomainOwner(world.ctx.db, 'acme.test'), { id: owner.id, state: 'verified' });

  t.same(await eventsOf(world, owner.accountId), ['domain.claimed', 'domain.verified', 'domain.disputed']);
  t.same(await eventsOf(world, claimant.accountId), ['domain.claimed', 'domain.disputed']);
  const [toOwner, toClaimant] = await Promise.all(admins.map((email) => mailsTo(world, email)));
  t.match(toOwner, [
    { template: 'domain_disputed', locale: 'ja', data: { domain: 'acme.test', owns: true } },
  ]);
  t.match(toClaimant, [
    { template: 'domain_disputed', locale: 'de', data: { domain: 'acme.test', owns: false } },
  ]);
  t.equal(toOwner?.length, 1);
  t.equal(toClaimant?.length, 1);
  const accounts = [owner.accountId, claimant.accountId];
  for (const mails of [toOwner, toClaimant]) t.notMatch(JSON.stringify(mails), accounts.join('|'));

  await inTransaction(world.ctx, (tx) => releaseDomain(tx, owner));
  t.match(await verify(world, claimant), { state: 'verified' }, 'once it is free, a new proof is enough');
});

t.test('FD-08: a stale domain is not free', async (t) => {
  const world = await startWorld(t);
  const owner = await makeVerified(world, 'acme.test');
  world.unprove(owner);
  await passDays(world, 4);
  t.equal(await stateOf(world, owner), 'stale');
  const claimant = await claim(world, await makeAccount(world.ctx), 'acme.test');
  world.prove(claimant);
  t.match(await verify(world, claimant), { state: 'disputed' });
});

async function makeDispute(world: World): Promise<{ owner: Domain; claimant: Domain }> {
  const owner = await makeVerified(world, 'acme.test');
  const claimant = await claim(world, await makeAccount(world.ctx), 'acme.test');
  world.prove(owner, claimant);
  return { owner, claimant: await verify(world, claimant) };
}

t.test(
  'FD-08: a transfer moves the domain, and nobody comes in by it until an operator says so',
  async (t) => {
    const world = await startWorld(t);
    const { ctx } = world;
    const { owner, claimant } = await makeDispute(world);
    const admins = [
      await makeAdmin(world, owner.accountId, 'fr'),
      await makeAdmin(world, claimant.accountId, 'es'),
    ] as const;
    await t.rejects(
      inTransaction(ctx, (tx) => resolveDispute(tx, { ...owner, outcome: 'transfer' })),
      { code: 'not_found' },
      'the owner’s is no dispute',
    );
    await inTransaction(ctx, (tx) =>
      resolveDispute(tx, { ...claimant, outcome: 'transfer', actor: 'usr_operator' }),
    );
    t.equal(await stateOf(world, owner), 'released');
    t.equal(await stateOf(world, claimant), 'verified');
    const suspended = { id: claimant.id, accountId: claimant.accountId, state: 'stale' };
    t.same(await findDomainOwner(ctx.db, 'acme.test'), suspended);
    for (const [at, email] of admins.entries())
      t.match(await mailsTo(world, email), [
        { template: 'domain_dispute_resolved', data: { owns: at === 1 } },
      ]);

    world.prove(claimant);
    await world.runJob('domains');
    await passDays(world, 2);
    await verify(world, claimant);
    t.same(await findDomainOwner(ctx.db, 'acme.test'), suspended, 'whatever the DNS says');
    await inTransaction(ctx, (tx) => resumeLinking(tx, { ...claimant, actor: 'usr_operator' }));
    t.match(await findDomainOwner(ctx.db, 'acme.test'), { state: 'verified' });
    await t.rejects(
      inTransaction(ctx, (tx) => resumeLinking(tx, claimant)),
      { code: 'not_found' },
    );
    const claimed = [
      'domain.claimed',
      'domain.disputed',
      'domain.dispute_resolved',
      'domain.linking_resumed',
    ];
    t.same(await eventsOf(world, claimant.accountId), claimed);
  },
);

t.test('FD-08: a refusal leaves the domain where it is', async (t) => {
  const world = await startWorld(t);
  const { owner, claimant } = await makeDispute(world);
  await inTransaction(world.ctx, (tx) => resolveDispute(tx, { ...claimant, outcome: 'refuse' }));
  t.equal(await stateOf(world, claimant), 'released');
  t.match(await findDomainOwner(world.ctx.db, 'acme.test'), { id: owner.id, state: 'verified' });
  await t.rejects(
    inTransaction(world.ctx, (tx) => resolveDispute(tx, { ...claimant, outcome: 'transfer' })),
    { code: 'not_found' },
    'it is over',
  );
});

t.test('FD-08: of two replicas that verify one domain for two accounts at once, one gets it', async (t) => {
  const databaseUrl = await createDatabase(t);
  const [here, there] = [await startWorld(t, databaseUrl), await startWorld(t, databaseUrl)];
  const accounts = [await makeAccount(here.ctx), await makeAccount(here.ctx)] as const;
  const rounds = Array.from({ length: 20 }, (_, round) => `raced-${round}.test`);
  await Promise.all(
    rounds.map(async (name) => {
      const [one, two] = [await claim(here, accounts[0], name), await claim(here, accounts[1], name)];
      for (const world of [here, there]) world.prove(one, two);
      const both = await Promise.all([verify(here, one), verify(there, two)]);
      t.same(both.map(({ state }) => state).sort(), ['disputed', 'verified'], name);
    }),
  );
});

t.test(
  'H05: a record that stays away makes the domain stale after three days, and free after thirty more',
  async (t) => {
    const world = await startWorld(t);
    const { ctx } = world;
    const domain = await makeVerified(world, 'acme.test');
    const admins = await Promise.all(
      ['en', 'de', 'es', 'fr', 'ja'].map((locale) => makeAdmin(world, domain.accountId, locale)),
    );
    const mails = async () => Promise.all(admins.map((email) => mailsTo(world, email)));
    world.unprove(domain);
    await passDays(world, 3);
    t.equal(await stateOf(world, domain), 'verified', 'it was first missed two days ago');
    await passDays(world, 1);
    t.match(
      await findDomainOwner(ctx.db, 'acme.test'),
      { id: domain.id, state: 'stale' },
      'still the account’s',
    );
    for (const [at, locale] of ['en', 'de', 'es', 'fr', 'ja'].entries())
      t.match((await mails())[at], [
        { template: 'domain_stale', locale, data: { domain: 'acme.test', days: 30 } },
      ]);

    world.prove(domain);
    await passDays(world, 1);
    t.match(await findDomainOwner(ctx.db, 'acme.test'), { state: 'verified' }, 'seen again');

    world.unprove(domain);
    await passDays(world, 4);
    await passDays(world, 28);
    t.match(await findDomainOwner(ctx.db, 'acme.test'), { state: 'stale' });
    await passDays(world, 2);
    t.equal(await findDomainOwner(ctx.db, 'acme.test'), undefined);
    const stages = ['domain_stale', 'domain_stale', 'domain_released'];
    for (const sent of await mails())
      t.same(
        sent.map(({ template }) => template),
        stages,
      );
    const proven = ['domain.claimed', 'domain.verified', 'domain.became_stale', 'domain.recovered'];
    t.same(await eventsOf(world, domain.accountId), [...proven, 'domain.became_stale', 'domain.released']);
    for (const server of world.servers) server.asked.length = 0;
    await passDays(world, 2);
    t.same(
      world.servers.flatMap(({ asked }) => asked),
      [],
      'nobody looks for it any more',
    );
  },
);

t.test('a stale domain is verified again at once when its admin asks', async (t) => {
  const world = await startWorld(t);
  const domain = await makeVerified(world, 'acme.test');
  world.unprove(domain);
  await passDays(world, 4);
  await t.rejects(verify(world, domain), { code: 'domain_not_proven' });
  t.equal(await stateOf(world, domain), 'stale');
  world.prove(domain);
  t.match(await verify(world, domain), { state: 'verified', misses: 0, firstMissedAt: null });
  t.ok((await eventsOf(world, domain.accountId)).includes('domain.recovered'));
});

t.test('DNS servers that fail, or do not agree, make no domain stale', async (t) => {
  const world = await startWorld(t);
  const [one, two] = world.servers;
  const domain = await makeVerified(world, 'acme.test');
  world.unprove(domain);
  for (const mood of ['SERVFAIL', 'REFUSED'] as const) {
    two.answerWith(mood);
    await passDays(world, 20);
    one.answerWith(mood);
    await passDays(world, 20);
    one.answerWith('records');
  }
  two.answerWith('silence');
  await passDays(world, 1);
  two.answerWith('records');
  one.setTxt(challengeRecord(domain).name, challengeRecord(domain).value);
  await passDays(world, 40);
  t.equal(await stateOf(world, domain), 'verified', 'after months');
  t.match(await listDomains(world.ctx.db, domain.accountId), [{ misses: 0, firstMissedAt: null }]);
});

t.test('days on which nobody looked are not counted', async (t) => {
  const world = await startWorld(t);
  const domain = await makeVerified(world, 'acme.test');
  world.unprove(domain);
  await passDays(world, 1);
  world.advance(40 * day);
  await world.runJob('domains');
  t.equal(await stateOf(world, domain), 'verified', 'two misses, however far apart');
  await passDays(world, 1);
  t.equal(await stateOf(world, domain), 'stale');
  await passDays(world, 28);
  t.equal(await stateOf(world, domain), 'stale', 'thirty days of warning, whatever happened before');
  await passDays(world, 2);
  t.equal(await stateOf(world, domain), 'released');
});

t.test('of two replicas each domain is looked for by one', async (t) => {
  const databaseUrl = await createDatabase(t);
  const [here, there] = [await startWorld(t, databaseUrl), await startWorld(t, databaseUrl)];
  const accountId = await makeAccount(here.ctx);
  const names = Array.from({ length: 25 }, (_, at) => `shared-${at}.test`);
  for (const name of names) await makeVerified(here, name, accountId);
  const servers = [...here.servers, ...there.servers];
  for (const server of servers) server.asked.length = 0;
  for (const world of [here, there]) world.advance(2 * day);
  await Promise.all([here.runJob('domains'), there.runJob('domains')]);
  const asked = [here, there].flatMap(({ servers: [first] }) => first.asked);
  t.same(asked.sort(), names.map((name) => `_doorward-challenge.${name}`).sort());
});

t.test('H06: a subdomain is covered where that was asked for, and is not proven by itself', async (t) => {
  const world = await startWorld(t);
  const { ctx } = world;
  const parent = await makeVerified(world, 'acme.test');
  const { accountId, id } = parent;
  const owner = async (name: string) => (await findDomainOwner(ctx.db, name))?.id;
  t.equal(await owner('acme.test'), id);
  t.equal(await owner('eu.acme.test'), undefined);

  const include = (includeSubdomains: boolean) =>
    inTransaction(ctx, (tx) =>
      setIncludeSubdomains(tx, { accountId, id, includeSubdomains, actor: 'usr_admin' }),
    );
  t.match(await include(true), { includeSubdomains: true });
  for (const name of ['acme.test', 'eu.acme.test', 'a.b.c.acme.test']) t.equal(await owner(name), id, name);
  for (const name of ['notacme.test', 'acme.test.evil.test', 'test', 'eu.acme.tests'])
    t.equal(await owner(name), undefined, name);

  const child = await makeVerified(world, 'eu.acme.test');
  t.equal(await owner('eu.acme.test'), child.id, 'another account’s, by a proof of its own');
  t.equal(await owner('x.eu.acme.test'), id, 'which speaks for itself alone');
  await include(false);
  t.equal(await owner('x.eu.acme.test'), undefined);
  t.equal((await eventsOf(world, accountId)).filter((type) => type === 'domain.changed').length, 2);

  const unproven = await claim(world, accountId, 'pending.test');
  await t.rejects(
    inTransaction(ctx, (tx) => setIncludeSubdomains(tx, { ...unproven, includeSubdomains: true })),
    { code: 'domain_not_proven' },
  );
});

async function makeConnection({ ctx }: TestApp, accountId: AccountId): Promise<ConnectionId> {
  const settings = {
    kind: 'oidc',
    issuer: 'http://127.0.0.1:1',
    clientId: 'doorward',
    clientAuth: 'client_secret_basic',
    idTokenAlgorithm: 'RS256',
    scopes: ['openid'],
    subject: ['sub'],
    tenants: [],
  } as const;
  return inTransaction(ctx, (tx) => createConnection(tx, { accountId, label: 'Entra', settings }));
}

t.test('FD-07: a connection may assert the proven domains of its account that are bound to it', async (t) => {
  const world = await startWorld(t);
  const { ctx } = world;
  const [acme, globex] = [await makeAccount(ctx), await makeAccount(ctx)];
  const [mine, theirs] = [
    await makeVerified(world, 'acme.test', acme),
    await makeVerified(world, 'globex.test', globex),
  ];
  const pending = await claim(world, acme, 'pending.test');
  const connectionId = await makeConnection(world, acme);
  const covering = (emailDomain: string) => coveringDomain(ctx.db, { connectionId, emailDomain });
  t.equal(await covering('acme.test'), undefined, 'not bound');
  for (const domainId of [mine.id, pending.id])
    await inTransaction(ctx, (tx) => bindDomain(tx, { connectionId, domainId }));
  await t.rejects(inTransaction(ctx, (tx) => bindDomain(tx, { connectionId, domainId: theirs.id })));

  t.same(await covering('acme.test'), { id: mine.id, accountId: acme, state: 'verified' });
  for (const name of ['globex.test', 'pending.test', 'eu.acme.test', 'nobody.test', 'test'])
    t.equal(await covering(name), undefined, name);
  await inTransaction(ctx, (tx) => setIncludeSubdomains(tx, { ...mine, includeSubdomains: true }));
  t.match(await covering('eu.acme.test'), { id: mine.id });
  await makeVerified(world, 'eu.acme.test', globex);
  t.equal(await covering('eu.acme.test'), undefined, 'another account has proven it for itself');

  world.unprove(mine);
  await passDays(world, 4);
  t.match(await covering('acme.test'), { state: 'stale' });
  await inTransaction(ctx, (tx) => releaseDomain(tx, mine));
  t.equal(await covering('acme.test'), undefined);
});

t.test('an operator vouches for a domain that no DNS knows', async (t) => {
  const world = await startWorld(t);
  const { ctx } = world;
  const [acme, globex] = [await makeAccount(ctx), await makeAccount(ctx)];
  const vouch = (accountId: AccountId) =>
    inTransaction(ctx, (tx) => vouchForDomain(tx, { accountId, name: 'acme.test' }));
  const domain = await vouch(acme);
  t.match(domain, { state: 'verified', nextCheckAt: null });
  t.match(await vouch(acme), { id: domain.id, verifiedAt: domain.verifiedAt }, 'and again');
  await t.rejects(vouch(globex), { code: 'already_exists' });
  await passDays(world, 40);
  t.match(await findDomainOwner(ctx.db, 'acme.test'), { id: domain.id, state: 'verified' });
  t.same(
    world.servers.flatMap(({ asked }) => asked),
    [],
    'nobody is asked',
  );
});
