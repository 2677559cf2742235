/** A company's sign-in set up by its own admin, from the first draft to the day it is required, and back. */
import t, { type Test } from 'tap';
import type { AccountId } from '../../src/kernel/ids.ts';
import { Agent } from '../support/agent.ts';
import { type Api, operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';
import { bringBack, comeHome, leaveForCompany, signInAtIdp, signInByCompany } from '../support/company.ts';
import { demoClient, RelyingParty, submitPassword, toStep } from '../support/relying-party.ts';

const app = await startApp(t);
const { ctx, issuer } = app;
const operator = await operatorApi(app);
let { api: ada } = await signInToApi(app, 'ada@acme.test');
const acme = (await operator.get('/accounts?slug=acme')).body.items[0].id as AccountId;
const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));

const at = `/accounts/${acme}/connections`;
const oidcSecret = 'rehearsal-secret';
const saml = { kind: 'saml', label: 'Acme by SAML', metadata_url: `${issuer}/demo/idp/saml/metadata` };
const oidc = {
  kind: 'oidc',
  label: 'Acme by OpenID Connect',
  issuer: `${issuer}/demo/idp/oidc`,
  client_id: 'doorward-demo',
  client_secret: oidcSecret,
};

async function userId(email: string) {
  const query = ctx.db.selectFrom('users').select('id').where('email', '=', email);
  return (await query.executeTakeFirstOrThrow()).id;
}

async function eventsOf(connectionId: string): Promise<string[]> {
  const rows = await ctx.db.selectFrom('events').select(['type', 'details']).orderBy('id').execute();
  return rows
    .filter(({ details }) => (details as { connection_id?: string }).connection_id === connectionId)
    .map(({ type }) => type);
}

/** The step of a fresh sign-in at a product. */
async function atStep() {
  const browser = new Agent(issuer);
  return { browser, step: await toStep(browser, (await assist.start()).url) };
}

async function comeByCompany(email: string) {
  const { browser, step } = await atStep();
  return (await signInByCompany(browser, step, email)).json() as { step: string };
}

/** Follows the link of a test, as an admin does, and is this person at the identity provider. */
async function tryOut(link: string, email: string): Promise<number> {
  const browser = new Agent(issuer, 'text/html');
  const left = await browser.get(link);
  const answer = await signInAtIdp(browser, left.location ?? '', email);
  return (await comeHome(browser, await bringBack(browser, answer))).status;
}

/** A domain that is the account's, as an operator says. */
async function ownDomain(account: string, name: string): Promise<string> {
  const { body } = await operator.post(`/accounts/${account}/domains`, { name });
  await operator.post(`/accounts/${account}/domains/${body.id}/vouch`);
  return body.id as string;
}

const acmeDomain = await ownDomain(acme, 'acme.test');

/** The whole life of a connection; `made` is how it begins. */
async function liveThrough(t: Test, path: string): Promise<void> {
  const act = (verb: string, body?: unknown) => ada.post(`${path}/${verb}`, body);
  const bound = await ada.put(`${path}/domains/${acmeDomain}`, { priority: 3 });
  t.match(
    [bound.status, bound.body.domains],
    [200, [{ domain_id: acmeDomain, name: 'acme.test', priority: 3 }]],
  );
  t.match((await act('enable')).body, { code: 'connection_not_tested' });
  t.match((await act('pilot', { emails: ['ada@acme.test'] })).body, { code: 'connection_not_tested' });

  const test = await act('test');
  t.match(
    [test.status, test.body],
    [200, { url: new RegExp(`^${issuer}/federation/con_`), expires_at: /Z$/ }],
  );
  t.equal(await tryOut(test.body.url as string, 'ada@acme.test'), 200);
  t.match((await ada.get(path)).body, { state: 'tested', tested: true, tested_at: /Z$/ });
  t.equal((await new Agent(issuer).get(test.body.url as string)).status, 410, 'the link works once');

  const pilot = await act('pilot', { emails: ['Ada@acme.test', 'ada@acme.test'] });
  t.match([pilot.status, pilot.body.state, pilot.body.pilot_emails], [200, 'pilot', ['ada@acme.test']]);
  const enabled = await act('enable');
  t.match([enabled.status, enabled.body.state, enabled.body.pilot_emails], [200, 'enabled', []]);
  const breakGlass = [await userId('ada@acme.test')];
  t.match((await act('require', { break_glass: breakGlass })).body, { code: 'admin_sign_in_missing' });
  t.match(await comeByCompany('ada@acme.test'), { step: 'done' });
  // whoever is linked for the first time is out everywhere else
  t.equal((await ada.get(path)).status, 401);
  ({ api: ada } = await signInToApi(app, 'ada@acme.test'));
  const wrong = await act('require', { break_glass: [await userId('greg@globex.test')] });
  t.match(
    wrong.body,
    { code: 'invalid_input', fields: { break_glass: String } },
    'nobody of another account',
  );
  const required = await act('require', { break_glass: breakGlass });
  t.match([required.status, required.body.state], [200, 'required']);

  const { browser, step } = await atStep();
  const refused = await submitPassword(browser, step, 'alan@acme.test');
  t.match(refused.json(), { code: 'sso_required' }, 'the password is no door any more');
  t.match(await comeByCompany('alan@acme.test'), { step: 'done' });
  const kept = await atStep();
  t.match((await submitPassword(kept.browser, kept.step, 'ada@acme.test')).json(), { step: 'done' });

  const attempts = await ada.get(`${path}/attempts`);
  t.match(attempts.body.items, [
    {
      purpose: 'sign_in',
      stage: 'done',
      outcome: 'passed',
      code: null,
      client_id: 'demo-assist',
      user_id: /^usr_/,
    },
    { purpose: 'sign_in', stage: 'done', outcome: 'passed' },
    { purpose: 'test', stage: 'done', outcome: 'passed', user_id: null, claims: { email: 'ada@acme.test' } },
  ]);
  t.strictSame(await pagesOf(ada, `${path}/attempts`), attempts.body.items, 'and in pages');

  const disabled = await act('disable');
  t.match([disabled.status, disabled.body.state], [200, 'disabled']);
  const again = await atStep();
  t.match((await submitPassword(again.browser, again.step, 'alan@acme.test')).json(), { step: 'done' });
}

async function pagesOf(api: Api, path: string): Promise<unknown[]> {
  const seen: unknown[] = [];
  let cursor = '';
  for (;;) {
    const { body } = await api.get(`${path}?limit=1${cursor}`);
    seen.push(...body.items);
    if (body.next_cursor === null) return seen;
    cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`;
  }
}

t.test('an admin sets up SAML, from the metadata to the day it is required', async (t) => {
  const made = await ada.post(at, saml);
  t.equal(made.status, 201);
  const { id } = made.body;
  const path = `${at}/${id}`;
  t.equal(made.headers.get('location'), `${issuer}/api/v1${path}`);
  t.match(made.body, {
    account_id: acme,
    kind: 'saml',
    state: 'draft',
    tested: false,
    entity_id: saml.metadata_url,
    metadata_url: saml.metadata_url,
    settings: { signature_policy: 'either', subject: { from: 'name_id' }, idp_initiated: 'restart' },
    mapping: { role_ceiling: 'agent', everybodys_products: [] },
    identity_provider: {
      sso_url: `${issuer}/demo/idp/saml/sso`,
      binding: 'redirect',
      certificates: [{ fingerprint: /^[0-9a-f]{64}$/, expires_at: /Z$/, retiring_since: null }],
    },
    refresh: { next_at: /Z$/, error: null },
    service_provider: {
      metadata_url: `${issuer}/federation/${id}/metadata`,
      entity_id: `${issuer}/federation/${id}/metadata`,
      acs_url: `${issuer}/federation/${id}/acs`,
    },
    domains: [],
  });
  const read = await ada.get(path);
  t.strictSame(read.body, made.body);
  t.strictSame((await ada.get(at)).body.items, [made.body]);
  t.match((await ada.get(`${path}/keys`)).body.items, [
    { use: 'signing', state: 'current', certificate: /^-----BEGIN CERTIFICATE/, expires_at: /Z$/ },
  ]);
  await liveThrough(t, path);
  t.match(await eventsOf(id as string), [
    'connection.created',
    'connection.bound',
    'connection.test_offered',
    'connection.tested',
    'connection.piloted',
    'connection.enabled',
    /./,
    /./,
    /./,
  ]);
  const actors = await ctx.db
    .selectFrom('events')
    .select('actorId')
    .where('accountId', '=', acme)
    .where('type', 'in', [
      'connection.created',
      'connection.bound',
      'connection.enabled',
      'break_glass.named',
    ])
    .execute();
  for (const { actorId } of actors) t.equal(actorId, await userId('ada@acme.test'));
  t.equal((await ada.delete(`${path}/domains/${acmeDomain}`)).status, 204);
  t.equal((await ada.delete(`${path}/domains/${acmeDomain}`)).status, 404);
  t.equal((await ada.delete(path)).status, 204);
  t.equal((await ada.get(path)).status, 404);
});

t.test('an admin sets up OpenID Connect, and its secret is never shown', async (t) => {
  const made = await ada.post(at, oidc);
  t.equal(made.status, 201);
  const { id } = made.body;
  t.match(made.body, {
    kind: 'oidc',
    issuer: oidc.issuer,
    client_id: 'doorward-demo',
    has_client_secret: true,
    settings: { client_auth: 'client_secret_post', scopes: ['openid', 'profile', 'email'], tenants: [] },
    identity_provider: { token_endpoint: `${oidc.issuer}/token` },
    service_provider: {
      redirect_uri: `${issuer}/federation/${id}/callback`,
      backchannel_logout_uri: `${issuer}/federation/${id}/backchannel-logout`,
    },
  });
  const path = `${at}/${id}`;
  await liveThrough(t, path);
  const shown = [made, await ada.get(path), await ada.get(at), await operator.get(path)];
  shown.push(await ada.patch(path, { client_secret: 'another secret of theirs' }));
  for (const { text } of shown) t.notMatch(text, /rehearsal-secret|another secret/);
  const rows = await ctx.db.selectFrom('connections').select(['settings', 'secretSealed']).execute();
  const events = await ctx.db.selectFrom('events').select('details').execute();
  const keys = await ctx.db.selectFrom('idempotencyKeys').select('answerSealed').execute();
  t.notMatch(JSON.stringify([rows, events, keys, app.lines]), /rehearsal-secret|another secret/);
  t.match((await ada.get(path)).body, { state: 'disabled', tested: false }, 'another secret is untested');
  t.equal((await ada.delete(path)).status, 204);
});

t.test('what is disabled or deleted ends for whoever is on their way (FD-06)', async (t) => {
  for (const end of ['disable', 'delete'] as const) {
    const { body } = await ada.post(at, saml);
    const path = `${at}/${body.id}`;
    await ada.put(`${path}/domains/${acmeDomain}`, {});
    const { url } = (await ada.post(`${path}/test`)).body;
    await tryOut(url as string, 'ada@acme.test');
    t.equal((await ada.post(`${path}/enable`)).status, 200);
    const { browser, step } = await atStep();
    const left = await leaveForCompany(browser, step, 'alan@acme.test');
    const answer = await signInAtIdp(browser, left.json().location as string, 'alan@acme.test');
    const ended = end === 'disable' ? await ada.post(`${path}/disable`) : await ada.delete(path);
    t.ok(ended.status < 300);
    const home = await comeHome(browser, await bringBack(browser, answer));
    t.not((home.status === 200 ? home.json() : {}).step, 'done', end);
    const sessions = ctx.db
      .selectFrom('connectionAttempts')
      .select('outcome')
      .where('connectionId', '=', body.id);
    t.ok((await sessions.execute()).every(({ outcome }) => outcome !== 'passed' || end === 'disable'));
    if (end === 'disable') {
      t.match((await ada.get(`${path}/attempts?limit=1`)).body.items, [
        { outcome: 'refused', code: 'connection_not_available', case_id: String },
      ]);
      await ada.delete(path);
    }
  }
});

t.test('our own keys are published before they are used', async (t) => {
  const { body } = await ada.post(at, { ...saml, settings: { encryption: true } });
  const keys = `${at}/${body.id}/keys`;
  const before = await ada.get(keys);
  t.strictSame(
    before.body.items.map(({ use, state }: { use: string; state: string }) => [use, state]),
    [
      ['encryption', 'current'],
      ['signing', 'current'],
    ],
  );
  t.match((await ada.post(`${keys}/rotate`, { use: 'signing' })).body, { code: 'action_not_available' });
  const next = await ada.post(keys, { use: 'signing' });
  t.match([next.status, next.body], [201, { use: 'signing', state: 'next' }]);
  t.match((await ada.post(keys, { use: 'signing' })).body, { code: 'already_exists' });
  const stale = { 'if-match': String(before.headers.get('etag')) };
  t.equal((await ada.post(`${keys}/rotate`, { use: 'signing' }, stale)).status, 412);
  const rotated = await ada.post(`${keys}/rotate`, { use: 'signing' });
  t.match(rotated.body.items[1], { id: next.body.id, state: 'current' });
  t.notMatch(rotated.text + next.text, /PRIVATE/);
  t.match((await eventsOf(body.id as string)).slice(-2), [
    'connection.key_created',
    'connection.keys_rotated',
  ]);
  await ada.delete(`${at}/${body.id}`);

  const plain = await ada.post(at, oidc);
  const ofPlain = `${at}/${plain.body.id}/keys`;
  t.match(
    (await ada.post(ofPlain, { use: 'signing' })).body,
    { code: 'action_not_available' },
    'it needs none',
  );
  await ada.patch(`${at}/${plain.body.id}`, { settings: { client_auth: 'private_key_jwt' } });
  t.match((await ada.get(ofPlain)).body.items, [{ use: 'signing', state: 'current' }], 'now it does');
  await ada.delete(`${at}/${plain.body.id}`);
});
