/** SIGN_IN_URL: the vendor's own page shows the steps; the addresses, the binding to the browser and the rules are the same. */
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { demoParty } from '../provider/requests.ts';

t.test("a vendor's own sign-in page", async (t) => {
  // nobody listens there, and nobody goes: only where the browser is sent is looked at
  const page = 'http://127.0.0.1:9/login?theme=dark';
  const { issuer } = await startApp(t, { env: { SIGN_IN_URL: page } });
  const assist = demoParty(issuer, 'assist');
  const html = new Agent(issuer, 'text/html');
  const shown = (uid: string): string => `${page}&interaction=${uid}`;

  t.test('is where the browser that started is sent, and no other', async (t) => {
    const { url } = await assist.start();
    const sent = await html.follow(url.href);
    const uid = new URL(sent.location ?? '').searchParams.get('interaction') ?? '';
    t.same([sent.status, sent.location], [303, shown(uid)], 'its own query is kept');
    t.match(
      [await html.get(`/sign-in/${uid}`)],
      [{ status: 303, location: shown(uid) }],
      'as often as it asks',
    );
    const foreign = await new Agent(issuer, 'text/html').get(`/sign-in/${uid}`);
    t.same([foreign.status, foreign.location], [410, undefined]);
  });

  t.test('speaks JSON to the same addresses, from its own origin and from no other', async (t) => {
    const started = await assist.start();
    const browser = new Agent(issuer);
    const { uid, actions } = await stepAt(browser, started.url.href);
    const fields = { email: 'alan@acme.test', password: 'correct horse battery staple' };
    const from = (origin: string, site: string) => ({
      json: fields,
      headers: { origin, 'sec-fetch-site': site },
    });
    for (const other of ['http://127.0.0.1:10', 'https://127.0.0.1:9', 'https://evil.test', 'null']) {
      const refused = await browser.post(actions.password.href, from(other, 'cross-site'));
      t.match([refused.status, refused.json()], [403, { code: 'cross_site_request' }], other);
      t.equal(refused.headers.get('access-control-allow-origin'), null, other);
    }
    const done = await browser.post(actions.password.href, from('http://127.0.0.1:9', 'same-site'));
    t.equal(done.headers.get('access-control-allow-origin'), 'http://127.0.0.1:9');
    t.match(done.json(), { step: 'done', location: `${issuer}/authorize/${uid}` });
    t.ok(await assist.finish((await browser.follow(done.json().location)).location, started));
  });

  t.test('is shown the step again after a form, and nothing when the sign-in is over', async (t) => {
    const started = await assist.start();
    const browser = new Agent(issuer, 'text/html');
    const sent = await browser.follow(started.url.href);
    const uid = new URL(sent.location ?? '').searchParams.get('interaction') ?? '';
    const wrong = { email: 'alan@acme.test', password: 'not this one at all' };
    const refused = await browser.post(`/sign-in/${uid}/password`, { form: wrong });
    t.equal(refused.status, 303);
    t.equal((await browser.get(refused.location ?? '')).location, shown(uid));
    const right = { ...wrong, password: 'correct horse battery staple' };
    const done = await browser.post(`/sign-in/${uid}/password`, { form: right });
    t.ok(await assist.finish((await browser.follow(done.location ?? '')).location, started));
    const over = await browser.get(`/sign-in/${uid}`);
    t.same([over.status, over.location], [410, undefined], 'the page for that is built in');
  });
});

async function stepAt(browser: Agent, url: string) {
  const { interaction: uid, actions } = (await browser.follow(url)).json() as {
    interaction: string;
    actions: { password: { href: string } };
  };
  return { uid, actions };
}
