/**
 * As a new operator would, by the interface alone: a customer with a product, an app and two seats, people invited for them,
 * and the company's own sign-in from its metadata to the day it is required.
 */
import { open } from '../../src/kernel/seal.ts';
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';
import { bringBack, comeHome, signInAtIdp, signInByCompany } from '../support/company.ts';
import { demoClient, RelyingParty, signIn, submitPassword, toStep } from '../support/relying-party.ts';

t.test('an operator sets up a customer', async (t) => {
  const app = await startApp(t);
  const { ctx, issuer } = app;
  const operator = await operatorApi(app);
  const create = async (path: string, body: unknown) => {
    const answer = await operator.post(path, body);
    t.equal(answer.status, 201, answer.text);
    return answer.body as { id: string; client_id: string };
  };

  const account = await create('/accounts', { slug: 'umbrella', name: 'Umbrella' });
  const product = await create('/products', {
    slug: 'dash',
    name: 'Dash',
    resource: 'https://api.dash.test',
  });
  const app2 = await create('/clients', {
    client_id: 'demo-dash',
    name: 'Dash',
    first_party: true,
    auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    product_id: product.id,
    redirect_uris: [`${issuer}/demo/dash/callback`],
    home_uri: `${issuer}/demo/dash`,
  });
  t.equal(app2.client_id, 'demo-dash');
  const at = `/accounts/${account.id}`;
  const terms = { seats: 1, starts_at: '2020-01-01T00:00:00Z', expires_at: null };
  t.equal((await operator.put(`${at}/subscriptions/${product.id}`, terms)).status, 200);
  const dash = new RelyingParty(issuer, demoClient(issuer, 'dash'));
  const password = 'correct horse battery staple';

  await t.test('invites two for one seat: the second is refused, and told why', async (t) => {
    const admin = { email: 'root@umbrella.test', role: 'admin', products: [product.id] };
    await create(`${at}/invitations`, admin);
    const second = await operator.post(`${at}/invitations`, {
      email: 'eve@umbrella.test',
      products: [product.id],
    });
    t.match([second.status, second.body.code], [409, 'no_free_seat']);
    await create(`${at}/invitations`, { email: 'eve@umbrella.test' });
    for (const email of ['root@umbrella.test', 'eve@umbrella.test']) {
      const mail = await ctx.db
        .selectFrom('mailOutbox')
        .select(['id', 'secretsSealed'])
        .where('recipient', '=', email)
        .executeTakeFirstOrThrow();
      const secrets = open(ctx.config.secretKeys, mail.secretsSealed ?? '', `mail_outbox/${mail.id}`);
      const { token } = JSON.parse(secrets) as { token: string };
      const browser = new Agent(issuer);
      await browser.get(`/invitations/open?token=${token}`);
      const accepted = await browser.post('/invitations/accept', { json: { name: 'Somebody', password } });
      t.equal(accepted.status, 200, accepted.text);
    }
    t.ok((await signIn(new Agent(issuer), dash, 'root@umbrella.test')).tokens.access_token);
  });

  await t.test('finds out why somebody cannot come in, and gives them a seat', async (t) => {
    const browser = new Agent(issuer);
    const denied = await submitPassword(
      browser,
      await toStep(browser, (await dash.start()).url),
      'eve@umbrella.test',
    );
    t.match(denied.json(), { step: 'denied', code: 'no_seat' });
    const diagnosis = await operator.post('/diagnose', {
      email: 'eve@umbrella.test',
      client_id: 'demo-dash',
    });
    t.match(diagnosis.body, { verdict: { outcome: 'denied', code: 'no_seat' }, first_failure: 'seat' });
    const [eve] = (await operator.get(`${at}/users?email=eve@umbrella.test`)).body.items;
    const seat = { user_id: eve.id, product_id: product.id };
    t.match((await operator.post(`${at}/seats`, seat)).body, { code: 'no_free_seat' });
    t.equal((await operator.put(`${at}/subscriptions/${product.id}`, { ...terms, seats: 2 })).status, 200);
    t.equal((await operator.post(`${at}/seats`, seat)).status, 201);
    t.ok((await signIn(new Agent(issuer), dash, 'eve@umbrella.test')).tokens.access_token);
  });

  await t.test('connects the company by its metadata: tries, pilots, requires', async (t) => {
    const domain = await create(`${at}/domains`, { name: 'umbrella.test' });
    t.equal((await operator.post(`${at}/domains/${domain.id}/vouch`)).status, 200);
    const connection = await create(`${at}/connections`, {
      kind: 'saml',
      label: 'Umbrella',
      metadata_url: `${issuer}/demo/idp/saml/metadata`,
    });
    const path = `${at}/connections/${connection.id}`;
    const act = async (verb: string, body?: unknown) => {
      const answer = await operator.post(`${path}/${verb}`, body);
      t.equal(answer.status, 200, `${verb}: ${answer.text}`);
      return answer.body as { url: string };
    };
    t.equal((await operator.put(`${path}/domains/${domain.id}`, {})).status, 200);

    const tester = new Agent(issuer, 'text/html');
    const left = await tester.get((await act('test')).url);
    const answered = await signInAtIdp(tester, left.location ?? '', 'root@umbrella.test');
    t.equal((await comeHome(tester, await bringBack(tester, answered))).status, 200);
    await act('pilot', { emails: ['root@umbrella.test'] });
    const browser = new Agent(issuer);
    const step = await toStep(browser, (await dash.start()).url);
    t.match((await signInByCompany(browser, step, 'root@umbrella.test')).json(), { step: 'done' });
    await act('enable');
    const [root] = (await operator.get(`${at}/users?role=admin`)).body.items;
    await act('require', { break_glass: [root.id] });

    const eve = new Agent(issuer);
    const standing = await toStep(eve, (await dash.start()).url);
    t.match((await submitPassword(eve, standing, 'eve@umbrella.test')).json(), { code: 'sso_required' });
    t.match((await signInByCompany(eve, standing, 'eve@umbrella.test')).json(), { step: 'done' });
    const attempts = (await operator.get(`${path}/attempts`)).body.items;
    t.match(attempts[0], { stage: 'done', outcome: 'passed', purpose: 'sign_in' });
  });

  await t.test('reads it all in the trail, which the account’s own admin reads as well', async (t) => {
    const types = async (api: typeof operator) =>
      (await api.get(`${at}/events?limit=200`)).body.items.map(
        ({ type }: { type: string }) => type,
      ) as string[];
    const seen = await types(operator);
    for (const type of [
      'account.created',
      'subscription.created',
      'subscription.changed',
      'invitation.created',
      'invitation.accepted',
      'seat.assigned',
      'domain.verified',
      'connection.created',
      'connection.required',
      'sign_in.denied',
      'user.signed_in',
    ])
      t.ok(seen.includes(type), type);
    const { api: root } = await signInToApi(app, 'root@umbrella.test');
    t.ok((await types(root)).length >= seen.length);
    const signIns = (await root.get(`${at}/sign-ins?outcome=denied`)).body.items;
    t.match(signIns, [{ code: 'no_seat', user: { email: 'eve@umbrella.test' }, client_id: 'demo-dash' }]);
  });
});
