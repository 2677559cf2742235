/** What the runbook of a restore has the operator run: nobody who was signed out since the backup is signed in by it. */
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import t, { type Test } from 'tap';
import { demoParty, obtainCode, post, refreshForm, userinfo } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { signIn } from '../support/relying-party.ts';

async function statementsOfRunbook(): Promise<string> {
  const page = await readFile('docs/runbooks/restore-from-backup.md', 'utf8');
  const sql = /```sql\n([\s\S]*?)```/.exec(page)?.[1];
  if (sql === undefined) throw new Error('the runbook has no statements');
  return sql;
}

/** The database as it is now, in another one: nobody may be connected to the first. */
async function backUp(t: Test, url: string): Promise<string> {
  const name = `${new URL(url).pathname.slice(1)}_copy`;
  const execute = async (statement: string): Promise<void> => {
    const client = new pg.Client(process.env['TEST_PG_URL']);
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await execute(`create database ${name} template ${new URL(url).pathname.slice(1)}`);
  t.teardown(() => execute(`drop database if exists ${name} with (force)`));
  const address = new URL(url);
  address.pathname = `/${name}`;
  return address.href;
}

t.test('a restored database', async (t) => {
  const databaseUrl = await createDatabase(t);
  const held = { issuer: '', access: '', refresh: '', code: {} as Record<string, string> };
  await t.test('at the time of the backup somebody is signed in', async (t) => {
    const { issuer } = await startApp(t, { databaseUrl });
    const assist = demoParty(issuer, 'assist');
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'alan@acme.test');
    const { form } = await obtainCode(assist, { browser });
    Object.assign(held, { issuer, access: tokens.access_token, refresh: tokens.refresh_token, code: form });
  });
  const copy = await backUp(t, databaseUrl);
  const statusesAt = async (t: Test, url: string): Promise<number[]> => {
    const { origin } = await startApp(t, { databaseUrl: url, env: { ISSUER: held.issuer } });
    const answers = [
      await userinfo(origin, held.access),
      await post(origin, '/token', held.code),
      await post(origin, '/token', refreshForm(held.refresh)),
    ];
    return answers.map(({ status }) => status);
  };
  await t.test('as it comes from the backup all that counts again', async (t) => {
    t.same(await statusesAt(t, databaseUrl), [200, 200, 200]);
  });
  await t.test('after the statements of the runbook nothing of it does', async (t) => {
    const client = new pg.Client(copy);
    await client.connect();
    await client.query(await statementsOfRunbook());
    for (const table of ['sessions', 'password_resets', 'interactions', 'arrivals'])
      t.equal((await client.query(`select from ${table}`)).rowCount, 0, table);
    await client.end();
    t.same(await statusesAt(t, copy), [401, 400, 400]);
  });
});
