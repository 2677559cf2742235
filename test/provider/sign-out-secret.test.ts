/** The secret of a sign-out's form is sealed with the session; a session outlives the key it was sealed with. */
import { sql } from 'kysely';
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { callbackParams, signIn } from '../support/relying-party.ts';
import { demoParty } from './requests.ts';

t.test('a sign-out whose key is gone is asked for again, and the session goes on', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const assist = demoParty(issuer, 'assist');
  const browser = new Agent(issuer);
  await signIn(browser, assist, 'alan@acme.test');
  const ask = async (): Promise<string> =>
    /name="xsrf" value="([^"]+)"/.exec((await browser.get('/logout')).text)?.[1] ?? '';
  const answer = async (xsrf: string) =>
    (await browser.post('/logout/confirm', { form: { xsrf, logout: 'yes' } })).status;
  const silent = async () =>
    callbackParams(await browser.get((await assist.start({ prompt: 'none' })).url.href));

  const xsrf = await ask();
  const { payload } = await ctx.db.selectFrom('sessions').select('payload').executeTakeFirstOrThrow();
  const sealed = (payload as { state: { secret: string } }).state.secret;
  t.notOk(sealed.includes(xsrf));
  t.equal(await answer(sealed), 400, 'what is stored is no answer');

  await sql`update sessions set payload = jsonb_set(payload, '{state,secret}', '"00000000.AAAA"')`.execute(
    ctx.db,
  );
  t.ok((await silent()).has('code'), 'the session goes on');
  t.equal(await answer(xsrf), 400, 'the old form is worth nothing');
  t.equal(await answer(await ask()), 303);
  t.equal((await silent()).get('error'), 'login_required', 'and the new one signs out');
});
