/** What there may be one of, made by fifty at once on two replicas: one makes it, and the others are told so. */
import t from 'tap';
import { inTransaction } from '../../../src/context.ts';
import { startAttempt } from '../../../src/core/attempts/attempts.ts';
import { challengeRecord, claimDomain, type Domain } from '../../../src/core/domains/domains.ts';
import { linkSocialIdentity } from '../../../src/core/identities/identities.ts';
import { resolveCompanyIdentity } from '../../../src/core/provisioning/provisioning.ts';
import { type ApiAnswer, type Api, apiWith, operatorApi } from '../../support/api.ts';
import { startApp } from '../../support/app.ts';
import { makeCompany } from '../../support/company-account.ts';
import { createDatabase } from '../../support/database.ts';
import { startResolvers } from '../../support/domains.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { makeAccount, makeMember, makeUser } from '../../support/make.ts';
import { getConnection } from '../../support/make-connection.ts';
import { amount } from '../../support/reliability.ts';

const racers = 50;
const rounds = amount({ whole: 10, bounded: 1 });

t.test('RL-03 fifty make what there may be one of', async (t) => {
  const databaseUrl = await createDatabase(t);
  const { env: dns, servers } = await startResolvers(t);
  const env = { ...dns, API_REQUESTS_PER_MINUTE: '100000' };
  const one = await startApp(t, { databaseUrl, env });
  const other = await startApp(t, { databaseUrl, env: { ...env, ISSUER: one.issuer } });
  const { ctx } = one;
  const contexts = [ctx, other.ctx] as const;
  const { token } = await operatorApi(one);
  const apis = [apiWith(one, token), apiWith({ issuer: other.origin }, token)] as const;

  /** Sends from all racers at once, to the replicas in turn; answers how many there were of each kind. */
  const race = async (
    send: (api: Api, index: number) => Promise<ApiAnswer>,
  ): Promise<Record<string, number>> => {
    const answers = await Promise.all(
      Array.from({ length: racers }, (_, index) => send(apis[index % 2] ?? apis[0], index)),
    );
    const kinds = answers.map(({ status, body }) =>
      status < 300 ? 'made' : (body as { code: string }).code,
    );
    return Object.fromEntries(
      [...Map.groupBy(kinds, (kind) => kind)].map(([kind, same]) => [kind, same.length]),
    );
  };
  const oneWins = { made: 1, already_exists: racers - 1 };

  for (let round = 0; round < rounds; round += 1) {
    const accountId = await makeAccount(ctx);
    const name = (what: string) => `${what}-${round}`;

    t.same(
      await race((api) => api.post('/accounts', { slug: name('slug'), name: 'Account' })),
      oneWins,
      'a slug',
    );
    const product = { slug: name('product'), name: 'Product', resource: `https://${name('api')}.test` };
    t.same(await race((api) => api.post('/products', product)), oneWins, 'a product');
    t.same(
      await race((api, index) =>
        api.post('/products', {
          ...product,
          slug: `${name('p')}-${index}`,
          resource: 'https://one.test' + String(round),
        }),
      ),
      oneWins,
      'a resource',
    );
    const client = {
      name: 'Client',
      auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
      client_id: name('client'),
      first_party: true,
    };
    t.same(await race((api) => api.post('/clients', client)), oneWins, 'a client');

    const invitation = { email: `${name('new')}@example.test`, role: 'agent', products: [] };
    const invited = await race((api) => api.post(`/accounts/${accountId}/invitations`, invitation));
    t.same(invited, oneWins, 'an address and its invitation');
    const people = ctx.db.selectFrom('users').select('id').where('email', '=', invitation.email);
    t.equal((await people.execute()).length, 1);

    const domain = `${name('domain')}.example`;
    const claimed = await race((api) => api.post(`/accounts/${accountId}/domains`, { name: domain }));
    t.same(claimed, { made: racers }, 'whoever claims it again is told of the claim there is');
    const claims = ctx.db.selectFrom('domains').select('id').where('name', '=', domain);
    t.equal((await claims.execute()).length, 1);
    await proveTwice(`${name('wanted')}.example`, name('proven'));

    const admins = [
      await makeUser(ctx, { password: null }),
      await makeUser(ctx, { password: null }),
    ] as const;
    for (const { id } of admins) await makeMember(ctx, id, accountId, 'admin');
    const demoted = await race((api, index) =>
      api.patch(`/accounts/${accountId}/users/${admins[index % 2]?.id}`, { role: 'agent' }),
    );
    t.equal((demoted['last_admin'] ?? 0) > 0, true, 'one admin is kept');
    t.same(Object.keys(demoted).sort(), ['last_admin', 'made']);
    const left = ctx.db
      .selectFrom('memberships')
      .select('userId')
      .where('accountId', '=', accountId)
      .where('role', '=', 'admin');
    t.equal((await left.execute()).length, 1, 'the last admin stays');

    await linkAtOnce(name('subject'));
  }
  await assertInvariants(t, ctx.db, 'of the test');

  /** Each account proves the same name; all at once it is one's, and the others' claims are disputed. */
  async function proveTwice(domain: string, what: string): Promise<void> {
    const claims: Domain[] = [];
    for (let index = 0; index < 10; index += 1) {
      const accountId = await makeAccount(ctx, { slug: `${what}-${index}` });
      claims.push(await inTransaction(ctx, (tx) => claimDomain(tx, { accountId, name: domain })));
    }
    const values = claims.map((claim) => challengeRecord(claim).value);
    const [first] = claims as [Domain];
    for (const server of servers) server.setTxt(challengeRecord(first).name, ...values);
    const verified = await race((api, index) => {
      const { accountId, id } = claims[index % claims.length] ?? first;
      return api.post(`/accounts/${accountId}/domains/${id}/verify`);
    });
    t.same(verified, { made: racers }, 'nobody is answered with a fault');
    const rows = await ctx.db.selectFrom('domains').select('state').where('name', '=', domain).execute();
    const states = Map.groupBy(rows, ({ state }) => state);
    t.equal(states.get('verified')?.length, 1, 'one has it');
    t.equal(states.get('disputed')?.length, claims.length - 1);
  }

  /** One person of a company in fifty browsers, for the first time; and fifty people with one account elsewhere. */
  async function linkAtOnce(name: string): Promise<void> {
    const company = await makeCompany(one, { domain: `${name}.test`, seats: racers });
    const { accountId, connectionId } = company;
    const connection = await getConnection(ctx, connectionId);
    const email = `pat@${name}.test`;
    const identity = { issuer: company.idp.entityId, subject: name, attributes: { email: [email] }, amr: [] };
    const arrivals = await Promise.all(
      Array.from({ length: racers }, async (_, index) => {
        const context = contexts[index % 2] ?? ctx;
        const attemptId = await inTransaction(context, (tx) =>
          startAttempt(tx, { accountId, connectionId, purpose: 'sign_in' }),
        );
        return resolveCompanyIdentity(context, { connection, identity, attemptId });
      }),
    );
    t.equal(new Set(arrivals.map((arrival) => ('userId' in arrival ? arrival.userId : 'refused'))).size, 1);
    const made = await ctx.db.selectFrom('users').select('id').where('email', '=', email).execute();
    t.equal(made.length, 1, 'one user');

    const unproven = { attributes: {}, amr: [], emailTrust: 'none' } as const;
    const people = await Promise.all(Array.from({ length: racers }, () => makeUser(ctx, { password: null })));
    const linked = await Promise.all(
      people.map(({ id: userId }, index) =>
        inTransaction(contexts[index % 2] ?? ctx, (tx) =>
          linkSocialIdentity(tx, {
            userId,
            identity: {
              provider: 'google',
              issuer: 'https://accounts.google.com',
              subject: name,
              ...unproven,
            },
            email: null,
            proof: { method: 'created' },
          }),
        ),
      ),
    );
    t.equal(linked.filter(Boolean).length, 1, 'one person has the account elsewhere');
  }
});
