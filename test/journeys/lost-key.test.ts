/** docs/runbooks/lost-key.md, its third case, command by command: SECRET_KEYS is lost for good, and life goes on. */
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { decodeProtectedHeader } from 'jose';
import { openClientSecret } from '../../src/core/connections/connections.ts';
import type { ConnectionId } from '../../src/kernel/ids.ts';
import { demoParty, post, refreshForm, userinfo } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { type Ended, run } from '../support/command.ts';
import { createDatabase } from '../support/database.ts';
import { idOf, newKey } from '../support/key-files.ts';
import { getConnection } from '../support/make-connection.ts';
import { callbackParams, signIn } from '../support/relying-party.ts';
import { sealEverywhere } from '../support/sealed.ts';

t.test('a sealing key is lost, by the runbook', async (t) => {
  const databaseUrl = await createDatabase(t);
  const [lost, made, cookie] = [newKey(), newKey(), newKey()];
  const before = { issuer: '', connectionId: '' as ConnectionId, kid: '', refreshToken: '', silent: '' };
  let browser = new Agent('http://127.0.0.1');

  await t.test('a service runs, and stops', async (t) => {
    const app = await startApp(t, { databaseUrl, env: { SECRET_KEYS: lost, COOKIE_KEYS: cookie } });
    const { issuer } = app;
    browser = new Agent(issuer);
    const { tokens } = await signIn(browser, demoParty(issuer, 'assist'), 'alan@acme.test');
    const { connection } = await sealEverywhere(app);
    const { url } = await demoParty(issuer, 'assist').start({ prompt: 'none' });
    before.issuer = issuer;
    before.connectionId = connection.id;
    before.kid = decodeProtectedHeader(tokens.id_token ?? '').kid ?? '';
    before.refreshToken = tokens.refresh_token ?? '';
    before.silent = `${url.pathname}${url.search}`;
  });
  const { issuer, connectionId } = before;
  const env = { SECRET_KEYS: made, COOKIE_KEYS: cookie, ISSUER: issuer };
  const doorward = (...args: string[]): Promise<Ended> =>
    run('src/cli/doorward.ts', args, { ...env, DATABASE_URL: databaseUrl });

  await t.test('it does not start without the key, and nothing is sealed by another', async (t) => {
    const refused = await startApp(t, { databaseUrl, env }).catch((error: unknown) => error);
    t.match((refused as { problems: string[] }).problems, [idOf(lost)]);
    t.equal((await doorward('doctor')).code, 1);
    t.match((await doorward('keys', 'configured')).output, new RegExp(`${idOf(lost)}\\tlost`));
    t.equal((await doorward('keys', 'rotate')).code, 1);
  });

  await t.test('it is given up, when somebody says so', async (t) => {
    t.equal((await doorward('keys', 'forget', idOf(lost))).code, 2, 'nobody was asked');
    t.equal((await doorward('keys', 'forget', idOf(made), '--yes')).code, 1, 'not one that is there');
    const forgotten = await doorward('keys', 'forget', idOf(lost), '--yes');
    t.equal(forgotten.code, 0, forgotten.errors);
    t.match(forgotten.output, before.kid);
    t.match(forgotten.output, connectionId);
  });

  await t.test('the service starts, people are signed in, and products refresh', async (t) => {
    const app = await startApp(t, { databaseUrl, env });
    const { ctx, origin } = app;
    const answer = await browser.get(`${origin}${before.silent}`);
    t.ok(callbackParams(answer).has('code'));
    const refreshed = await post(origin, '/token', refreshForm(before.refreshToken));
    t.equal(refreshed.status, 200);
    const { id_token: idToken = '', access_token: accessToken } = refreshed.json() as Record<string, string>;
    t.not(decodeProtectedHeader(idToken).kid, before.kid);
    t.equal((await userinfo(origin, accessToken ?? '')).status, 200);
    const published = await (await fetch(`${origin}/jwks`)).text();
    t.notMatch(published, before.kid);
    for (const job of ['mail', 'password resets', 'older sealing keys', 'prune']) await app.runJob(job);

    const file = path.join(tmpdir(), `doorward-secret-${process.pid}`);
    await writeFile(file, 'a new client secret of theirs', { mode: 0o600 });
    t.teardown(() => rm(file));
    const changed = await doorward('connection', 'change', connectionId, '--secret-file', file);
    t.equal(changed.code, 0, changed.errors);
    const connection = await getConnection(ctx, connectionId);
    t.equal(openClientSecret(ctx.config, connection), 'a new client secret of theirs');
    const checked = await doorward('doctor', '--json');
    const { checks } = JSON.parse(checked.output) as { checks: { name: string; status: string }[] };
    t.match(
      checks.filter(({ name }) => name === 'sealing keys'),
      [{ status: 'passed' }],
    );
  });
});
