/** The email domains of an account by the admin interface: claimed, proven by DNS, given up; and what only an operator may. */
import t from 'tap';
import type { AccountId } from '../../src/kernel/ids.ts';
import { type Api, type ApiAnswer, operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';
import { startResolvers } from '../support/domains.ts';

const resolvers = await startResolvers(t);
const app = await startApp(t, { env: resolvers.env });
const { ctx } = app;
const operator = await operatorApi(app);
const { api: ada } = await signInToApi(app, 'ada@acme.test');
const { api: greg } = await signInToApi(app, 'greg@globex.test');

async function accountOf(slug: string): Promise<AccountId> {
  const { body } = await operator.get(`/accounts?slug=${slug}`);
  return body.items[0].id as AccountId;
}

const [acme, globex] = [await accountOf('acme'), await accountOf('globex')];
const [atAcme, atGlobex] = [`/accounts/${acme}/domains`, `/accounts/${globex}/domains`];

/** Puts the records of these claims into the DNS, as their owners would. */
function prove(...claims: readonly ApiAnswer[]): void {
  const values = claims.map(({ body }) => body.challenge.value as string);
  for (const server of resolvers.servers) server.setTxt(claims[0]?.body.challenge.name as string, ...values);
}

async function claim(api: Api, url: string, name: string): Promise<ApiAnswer & { path: string }> {
  const answer = await api.post(url, { name });
  return { ...answer, path: `${url}/${answer.body.id}` };
}

async function lastEvent(type: string) {
  const query = ctx.db.selectFrom('events').select(['actorId', 'accountId', 'details']);
  return query
    .where('type', '=', type as 'domain.claimed')
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow();
}

t.test('an admin claims a domain, proves it, and gives it up', async (t) => {
  const made = await claim(ada, atAcme, 'ACME.example.');
  t.equal(made.status, 201);
  t.match(made.body, {
    name: 'acme.example',
    account_id: acme,
    state: 'pending',
    include_subdomains: false,
    challenge: {
      type: 'TXT',
      name: '_doorward-challenge.acme.example',
      value: /^doorward-verification=\w{32}$/,
    },
    verified_at: null,
  });
  t.equal(made.headers.get('location'), `${app.issuer}/api/v1${made.path}`);
  t.match(await lastEvent('domain.claimed'), { accountId: acme, actorId: /^usr_/ });
  const again = await ada.post(atAcme, { name: 'acme.example' });
  t.strictSame([again.status, again.body], [201, made.body], 'its own claim is answered again');
  t.strictSame((await ada.get(made.path)).body, made.body);

  t.match((await ada.post(`${made.path}/verify`)).body, { code: 'domain_not_proven' });
  t.match((await ada.patch(made.path, { include_subdomains: true })).body, { code: 'domain_not_proven' });
  prove(made);
  const verified = await ada.post(`${made.path}/verify`);
  t.match([verified.status, verified.body.state], [200, 'verified']);
  t.match(await lastEvent('domain.verified'), {
    accountId: acme,
    actorId: /^usr_/,
    details: { method: 'dns' },
  });
  const wide = await ada.patch(made.path, { include_subdomains: true });
  t.match([wide.status, wide.body.include_subdomains], [200, true]);
  t.strictSame((await ada.patch(made.path, {})).body, wide.body, 'nothing asked, nothing changed');
  t.strictSame((await ada.get(made.path)).body, wide.body);

  t.equal((await ada.delete(made.path)).status, 204);
  const gone = [await ada.get(made.path), await ada.post(`${made.path}/verify`), await ada.delete(made.path)];
  t.strictSame(
    gone.map(({ status }) => status),
    [404, 404, 404],
  );
  t.not((await ada.post(atAcme, { name: 'acme.example' })).body.id, made.body.id, 'a claim anew');
});

t.test('names that are nobody’s own are refused', async (t) => {
  for (const name of [
    'gmail.com',
    'co.uk',
    'github.io',
    '127.0.0.1',
    'acme.com/x',
    '%61cme.com',
    'localhost',
  ]) {
    const answer = await ada.post(atAcme, { name });
    t.match([answer.status, answer.body.code], [422, 'domain_refused'], name);
  }
  for (const body of [{}, { name: 1 }, { name: '' }, { name: 'a.example', state: 'verified' }, []])
    t.match((await ada.post(atAcme, body)).body, { code: 'invalid_input' });
});

t.test('a list comes in pages, by name', async (t) => {
  for (const name of ['one.example', 'two.example', 'three.example']) await claim(ada, atAcme, name);
  const seen: string[] = [];
  let cursor = '';
  for (;;) {
    const { body } = await ada.get(`${atAcme}?limit=2${cursor}`);
    seen.push(...body.items.map(({ name }: { name: string }) => name));
    if (body.next_cursor === null) break;
    cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`;
  }
  t.strictSame(seen, [...seen].sort());
  for (const name of ['one.example', 'two.example', 'three.example']) t.ok(seen.includes(name));
  t.equal(new Set(seen).size, seen.length);
  const [first] = (await operator.get(`${atAcme}?limit=1`)).body.items;
  t.equal(first.name, seen[0], 'an operator sees the same');
});

t.test('nothing tells of another account, and nothing of it can be touched', async (t) => {
  const theirs = await claim(greg, atGlobex, 'secret-plan.example');
  const own = await claim(ada, atAcme, 'secret-plan.example');
  t.match([own.status, own.body.state], [201, 'pending']);
  const missing = `dom_${'0'.repeat(26)}`;
  const tries = [
    (id: string) => ada.get(`${atAcme}/${id}`),
    (id: string) => ada.patch(`${atAcme}/${id}`, { include_subdomains: true }),
    (id: string) => ada.post(`${atAcme}/${id}/verify`),
    (id: string) => ada.delete(`${atAcme}/${id}`),
    (id: string) => ada.delete(`${atAcme}/${id}`, { 'if-match': '"x"' }),
    (id: string) => operator.post(`${atAcme}/${id}/vouch`),
    (id: string) => operator.post(`${atAcme}/${id}/resolve-dispute`, { outcome: 'transfer' }),
    (id: string) => operator.post(`${atAcme}/${id}/resume-linking`),
  ];
  for (const attempt of tries) {
    const [foreign, none] = [await attempt(theirs.body.id as string), await attempt(missing)];
    t.strictSame([foreign.status, none.status], [404, 404]);
    t.strictSame({ ...foreign.body, instance: '' }, { ...none.body, instance: '' });
  }
  t.equal((await ada.get(theirs.path)).status, 404, 'nor at their address');
  t.equal((await ada.get(atGlobex)).status, 404);
  t.strictSame((await greg.get(theirs.path)).body, theirs.body, 'it is as it was');
});

t.test('who proves what another has makes a dispute, and an operator decides', async (t) => {
  const owner = await claim(greg, atGlobex, 'disputed.example');
  const claimant = await claim(ada, atAcme, 'disputed.example');
  prove(owner, claimant);
  t.equal((await greg.post(`${owner.path}/verify`)).body.state, 'verified');
  const decide = (api: Api, outcome: string) => api.post(`${claimant.path}/resolve-dispute`, { outcome });
  t.equal((await decide(operator, 'transfer')).body.code, 'action_not_available', 'there is none yet');
  t.equal((await ada.post(`${claimant.path}/verify`)).body.state, 'disputed');
  t.match(
    await lastEvent('domain.disputed'),
    { accountId: globex, actorId: null },
    'the owner learns no name',
  );
  t.equal((await operator.post(`${claimant.path}/vouch`)).body.code, 'already_exists');
  for (const verb of ['vouch', 'resolve-dispute', 'resume-linking'])
    t.equal(
      (await ada.post(`${claimant.path}/${verb}`, { outcome: 'transfer' })).body.code,
      'insufficient_scope',
    );

  t.equal((await decide(operator, 'transfer')).status, 204);
  const moved = await ada.get(claimant.path);
  t.match(moved.body, { state: 'verified', linking_suspended_at: /Z$/ });
  t.equal((await greg.get(owner.path)).status, 404);
  t.match(await lastEvent('domain.dispute_resolved'), { actorId: 'demo-operator' });
  const resumed = await operator.post(`${claimant.path}/resume-linking`);
  t.match([resumed.status, resumed.body.linking_suspended_at], [200, null]);
  t.equal((await operator.post(`${claimant.path}/resume-linking`)).body.code, 'action_not_available');

  const late = await claim(greg, atGlobex, 'disputed.example');
  prove(claimant, late);
  t.equal((await greg.post(`${late.path}/verify`)).body.state, 'disputed');
  t.equal((await operator.post(`${late.path}/resolve-dispute`, { outcome: 'refuse' })).status, 204);
  t.equal((await greg.get(late.path)).status, 404);
  t.equal((await ada.get(claimant.path)).body.state, 'verified');
});

t.test('an operator vouches for what no DNS knows, and reads and writes by scope', async (t) => {
  const made = await claim(ada, atAcme, 'inside.example');
  const vouched = await operator.post(`${made.path}/vouch`);
  t.match([vouched.status, vouched.body.state], [200, 'verified']);
  const reader = await operatorApi(app, ['admin:domains:read']);
  t.equal((await reader.get(made.path)).status, 200);
  for (const answer of [await reader.delete(made.path), await reader.post(`${made.path}/verify`)])
    t.match([answer.status, answer.body.code], [403, 'insufficient_scope']);
  const stranger = await operatorApi(app, ['admin:users:read']);
  t.equal((await stranger.get(made.path)).status, 403);
});

t.test('a lost update is refused, and a repeat is not done twice', async (t) => {
  const made = await claim(ada, atAcme, 'lost.example');
  const stale = String(made.headers.get('etag'));
  await operator.post(`${made.path}/vouch`);
  const refused = [
    await ada.patch(made.path, { include_subdomains: true }, { 'if-match': stale }),
    await ada.delete(made.path, { 'if-match': stale }),
    await ada.post(`${made.path}/verify`, undefined, { 'if-match': stale }),
  ];
  t.strictSame(
    refused.map(({ status }) => status),
    [412, 412, 422],
    'a proof is looked for first',
  );
  const fresh = String((await ada.get(made.path)).headers.get('etag'));
  t.equal((await ada.patch(made.path, { include_subdomains: true }, { 'if-match': fresh })).status, 200);

  const proven = await claim(ada, atAcme, 'once.example');
  prove(proven);
  const before = resolvers.servers[0].asked.length;
  t.equal(
    (await ada.post(`${proven.path}/verify`, undefined, { 'idempotency-key': 'has blanks' })).status,
    400,
  );
  const [one, two] = [
    await ada.post(`${proven.path}/verify`, undefined, { 'idempotency-key': 'once' }),
    await ada.post(`${proven.path}/verify`, undefined, { 'idempotency-key': 'once' }),
  ];
  t.strictSame([one.status, two.body], [200, one.body]);
  t.equal(resolvers.servers[0].asked.length, before + 1, 'the DNS was asked once');
});

t.test('changes of one domain that meet do not lock each other out', async (t) => {
  const made = await claim(ada, atAcme, 'crowd.example');
  prove(made);
  const etag = String(made.headers.get('etag'));
  const crowd = await Promise.all([
    ...Array.from({ length: 6 }, () => ada.post(`${made.path}/verify`)),
    ...Array.from({ length: 6 }, () => ada.post(`${made.path}/verify`, undefined, { 'if-match': etag })),
    ...Array.from({ length: 6 }, () => operator.post(`${made.path}/vouch`)),
  ]);
  for (const { status } of crowd) t.ok([200, 412].includes(status), String(status));
  t.equal((await ada.get(made.path)).body.state, 'verified');
});
