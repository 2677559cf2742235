/** When more passwords are to be hashed than can wait, whoever comes then is told so at once, and costs nothing. */
import t from 'tap';
import { demoPassword } from '../../src/demo/world.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { fillGate } from '../support/full-gate.ts';
import { demoClient, RelyingParty, toStep } from '../support/relying-party.ts';
import { overhearStatements } from '../support/statements.ts';

const json = { email: 'ada@acme.test', password: demoPassword };

t.test('A password that cannot wait for its turn', async (t) => {
  const { databaseUrl, take } = await overhearStatements(t, await createDatabase(t));
  const app = await startApp(t, { databaseUrl });
  const { issuer } = app;
  const browser = new Agent(issuer);
  const { url } = await toStep(
    browser,
    (await new RelyingParty(issuer, demoClient(issuer, 'assist')).start()).url,
  );
  const giveBack = fillGate(t, app.ctx.hashGate);

  await t.test('is refused for now, before its sign-in is looked for', async (t) => {
    take();
    const answer = await browser.post(`${url}/password`, { json });
    t.same(take(), []);
    t.equal(answer.status, 503);
    t.equal(answer.headers.get('retry-after'), '1');
    t.match(answer.json(), { code: 'overloaded', status: 503 });
    t.notOk('step' in answer.json());
  });

  await t.test('is shown where to try again', async (t) => {
    const person = new Agent(issuer, 'text/html');
    person.cookies = browser.cookies;
    const answer = await person.post(`${url}/password`, { form: json });
    t.equal(answer.status, 503);
    const retryAt = /id="retry" href="([^"]+)"/.exec(answer.text)?.[1];
    t.equal(retryAt, new URL(url, issuer).pathname);
    t.equal((await person.get(String(retryAt))).status, 200);
  });

  await t.test('is none of another site’s, full or not', async (t) => {
    const answer = await browser.post(`${url}/password`, { json, headers: { origin: 'https://evil.test' } });
    t.match(answer.json(), { code: 'cross_site_request', status: 403 });
  });

  await t.test('is taken when there is room again', async (t) => {
    await giveBack();
    t.match((await browser.post(`${url}/password`, { json })).json(), { step: 'done' });
  });
});
