/**
 * The engine's statements among very many rows: each is answered by indexes, and none reads what it does not want. Plans
 * are asked for as they are when a statement is prepared and PostgreSQL no longer looks at its values.
 */
import { sql } from 'kysely';
import pg from 'pg';
import t from 'tap';
import type { Db } from '../../src/db/connect.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { signIn } from '../support/relying-party.ts';
import { overhearStatements } from '../support/statements.ts';
import { assistApi, demoBasic, demoParty, introspect, post, userinfo } from './requests.ts';

const person = 'ada@acme.test';
const many = 100_000;
/** Tables of which a statement must never read the whole. */
const large = ['users', 'memberships', 'sessions', 'grants', 'refresh_families', 'artifacts', 'interactions'];

t.test('among a hundred thousand people and their tokens', async (t) => {
  const databaseUrl = await createDatabase(t);
  const heard = await overhearStatements(t, databaseUrl);
  const { ctx, issuer } = await startApp(t, { databaseUrl: heard.databaseUrl });
  await multiply(ctx.db);
  heard.take();

  const assist = demoParty(issuer, 'assist', 'openid assist:read');
  const reports = demoParty(issuer, 'confidential');
  const browser = new Agent(issuer);
  const { tokens } = await signIn(browser, assist, person, { resource: assistApi });
  const again = await assist.start({ prompt: 'none' });
  await assist.finish((await browser.follow(again.url.href)).location, again);
  await assist.refresh(tokens.refresh_token ?? '');
  const { tokens: opaque } = await signIn(new Agent(issuer), reports, person);
  await introspect(issuer, opaque.access_token);
  await introspect(issuer, tokens.access_token);
  await userinfo(issuer, opaque.access_token);
  await post(issuer, '/revoke', { token: opaque.access_token }, demoBasic('confidential'));

  const statements = [...new Set(heard.take())].filter((text) => large.some((table) => text.includes(table)));
  t.ok(statements.length > 10, 'the flows have said something to the database');
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query('set plan_cache_mode = force_generic_plan');
  for (const text of statements) {
    const scans = wholeScans(await planOf(client, text));
    t.same(scans, [], `nothing is read whole by ${text.trim().replace(/\s+/g, ' ').slice(0, 70)}`);
  }
  await client.end();
});

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly Plan[];
}

/** The plan for whatever the values are: it is not run. */
async function planOf(client: pg.Client, text: string): Promise<Plan> {
  const count = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, place]) => Number(place)));
  await client.query(`prepare heard as ${text}`);
  const values = count === 0 ? '' : `(${Array.from({ length: count }, () => 'null').join(', ')})`;
  const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: Plan }[] }>(
    `explain (format json) execute heard ${values}`,
  );
  await client.query('deallocate heard');
  const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
  if (!plan) throw new Error('there is no plan');
  return plan;
}

/** The large tables that are read from one end to the other; by what has not expired, which is nearly all, as well. */
function wholeScans(plan: Plan): string[] {
  const below = (plan.Plans ?? []).flatMap(wholeScans);
  const { 'Node Type': type, 'Relation Name': table = '', 'Index Name': index = '' } = plan;
  const isWhole = type === 'Seq Scan' || index.endsWith('_expires_at_idx');
  return isWhole && large.includes(table) ? [table, ...below] : below;
}

/** As many people as `many`, members of one account, each with a seat, a session, a grant, a refresh token and more. */
async function multiply(db: Db): Promise<void> {
  const rows = [
    sql`insert into users (id, email, state, created_at, updated_at)
      select 'usr_' || lpad(n::text, 26, '0'), 'n' || n || '@many.test', 'active', now(), now()`,
    sql`insert into memberships (account_id, user_id, role, created_at)
      select (select id from accounts where slug = 'globex'), 'usr_' || lpad(n::text, 26, '0'), 'agent', now()`,
    sql`insert into sessions (id_hash, uid, user_id, payload, created_at, expires_at)
      select sha256(n::text::bytea), 'uid' || n, 'usr_' || lpad(n::text, 26, '0'), '{}', now(), now() + interval '1 h'`,
    sql`insert into grants (id, user_id, client_id, payload, expires_at)
      select 'grant' || n, 'usr_' || lpad(n::text, 26, '0'), 'demo-assist', '{}', now() + interval '1 h'`,
    sql`insert into refresh_families (family_hash, grant_id, current_hash, generation, payload, expires_at)
      select sha256(n::text::bytea), 'grant' || n, sha256(n::text::bytea), 1, '{}', now() + interval '1 h'`,
    sql`insert into artifacts (model, id_hash, grant_id, payload, expires_at)
      select 'AccessToken', sha256(n::text::bytea), 'grant' || n, '{}', now() + interval '1 h'`,
    sql`insert into interactions (id_hash, client_id, payload, expires_at)
      select sha256(n::text::bytea), 'demo-assist', '{}', now() + interval '1 h'`,
  ];
  for (const insert of rows) await sql`${insert} from generate_series(1, ${many}::int) n`.execute(db);
  await sql`analyze`.execute(db);
}
