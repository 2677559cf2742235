/** Text that PostgreSQL cannot keep (NUL, half of a surrogate pair) is the caller's mistake, not a fault of ours. */
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { demoClient, RelyingParty, toStep } from '../support/relying-party.ts';

t.test('unstorable text', async (t) => {
  const { issuer, lines } = await startApp(t);
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const hostile = ['a\0b', '\0'];

  t.test('in an address is refused', async (t) => {
    t.equal((await new Agent(issuer).get('/logout?state=%00')).status, 400);
    for (const name of ['state', 'nonce', 'login_hint', 'ui_locales']) {
      for (const value of hostile) {
        const { url } = await assist.start({ [name]: value });
        t.equal((await new Agent(issuer).get(url.href)).status, 400, name);
      }
    }
    const claims = '{"id_token":{"\\ud800":null,"a\\u0000b":null}}';
    const { url } = await assist.start({ claims });
    t.ok((await new Agent(issuer).get(url.href)).status < 500);
  });

  t.test('an address that cannot be decoded is an address of nothing', async (t) => {
    for (const path of [
      '/%zz',
      '/%',
      '/%E0%A4%A',
      '/sign-in/%zz',
      '/authorize/%ff',
      '/demo/%c0%80',
      `/demo/${'x'.repeat(9000)}`,
    ]) {
      const answer = await new Agent(issuer).get(path);
      t.equal(answer.status, path.startsWith('/demo/x') ? 400 : 404, path.slice(0, 40));
      t.ok(answer.headers.get('content-security-policy'));
    }
    t.equal((await fetch(`${issuer}/livez`)).status, 200, 'and the service lives on');
  });

  t.test('in a pushed request as well, at the latest when it is used', async (t) => {
    const { url } = await assist.start({ state: 'a\0b' });
    const pushed = await new Agent(issuer).send('/par', { method: 'POST', form: url.searchParams });
    t.ok(pushed.status < 500);
    if (pushed.status !== 201) return;
    const query = new URLSearchParams({ client_id: 'demo-assist', request_uri: pushed.json().request_uri });
    t.ok((await new Agent(issuer).get(`/authorize?${query.toString()}`)).status < 500);
  });

  t.test('in what a person types is not an email address', async (t) => {
    const browser = new Agent(issuer);
    const step = await toStep(browser, (await assist.start()).url);
    for (const email of ['a\0b@acme.test', '\ud800@acme.test', '\udc00', '\0']) {
      const answer = await browser.post(step.json().actions.password.href, {
        json: { email, password: '\0\ud800' },
      });
      t.equal(answer.status, 400);
      t.match(answer.json(), { code: 'invalid_input', step: { step: 'identify' } });
    }
    const wrong = await browser.post(step.json().actions.password.href, {
      json: { email: 'ada@acme.test', password: '\0\ud800' },
    });
    t.equal(wrong.status, 401);
  });

  t.notOk(
    lines.some((line) => line.includes('"level":50')),
    'no fault was logged',
  );
});
