/**
 * RL-08: the database fails over to its standby in the middle of flows. With synchronous replication nothing that was
 * acknowledged is lost. With asynchronous replication the last moments are: what was used in them is good no more all the
 * same, and nobody gets further by a refresh token that the standby has never seen.
 */
import pg from 'pg';
import t, { type Test } from 'tap';
import { connect } from '../../../src/db/connect.ts';
import { demoParty, obtainCode, post, refreshForm } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { type Cluster, createMigrated, startCluster, startStandby } from '../../support/cluster.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { signIn } from '../../support/relying-party.ts';
import { amount, startLoad, until } from '../../support/reliability.ts';

const database = 'doorward';

interface Tokens {
  readonly refresh_token: string;
}

async function run(cluster: Cluster, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client(cluster.url());
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

async function open(t: Test, { isSynchronous }: { isSynchronous: boolean }) {
  const primary = await startCluster(t);
  await createMigrated(primary, database);
  const standby = await startStandby(t, primary);
  const fleet = await startFleet(t, { count: 2, databaseUrl: primary.url(database) });
  if (isSynchronous) {
    await run(
      primary,
      `alter system set synchronous_standby_names = 'standby'`,
      `alter system set synchronous_commit = 'remote_apply'`,
      'select pg_reload_conf()',
    );
    await until(async () => (await stateOf(primary)) === 'sync', {
      what: 'the standby is a synchronous one',
    });
  }
  const pointTo = (cluster: Cluster): void => {
    for (const index of [0, 1]) {
      const wire = fleet.wire(index);
      wire.leadTo(cluster.url(database));
      wire.cut();
      wire.restore();
    }
  };
  return { primary, standby, fleet, pointTo };
}

async function stateOf(primary: Cluster): Promise<string | undefined> {
  const client = new pg.Client(primary.url());
  await client.connect();
  const { rows } = await client.query<{ state: string }>(
    'select sync_state as state from pg_stat_replication',
  );
  await client.end();
  return rows[0]?.state;
}

const isServing = async ({ issuer }: Fleet): Promise<boolean> =>
  signIn(new Agent(issuer), demoParty(issuer, 'assist'), 'alan@acme.test').then(
    () => true,
    () => false,
  );

t.test('RL-08 synchronous replication: what was acknowledged is there', async (t) => {
  const { primary, standby, fleet, pointTo } = await open(t, { isSynchronous: true });
  const { issuer } = fleet;
  const used: Readonly<Record<string, string>>[] = [];
  const current: string[] = [];
  const load = startLoad({
    workers: 3,
    async send() {
      const browser = new Agent(issuer);
      await signIn(browser, demoParty(issuer, 'assist'), 'alan@acme.test');
      const { form } = await obtainCode(demoParty(issuer, 'assist'), { browser });
      const answer = await post(issuer, '/token', form);
      if (answer.status !== 200) return answer.status;
      used.push(form);
      const { refresh_token: first } = answer.json() as Tokens;
      const rotated = await post(issuer, '/token', refreshForm(first));
      if (rotated.status === 200) current.push((rotated.json() as Tokens).refresh_token);
      return rotated.status;
    },
  });
  await until(() => current.length >= amount({ whole: 100, bounded: 10 }), {
    what: 'there is something to lose',
    withinMs: 90_000,
  });
  await primary.stop('immediate');
  const acknowledged = { used: [...used], current: [...current] };
  await standby.promote();
  pointTo(standby);
  await until(() => isServing(fleet), { what: 'the service is back', withinMs: 60_000 });
  await load.stop();
  for (const token of acknowledged.current)
    t.equal((await post(issuer, '/token', refreshForm(token))).status, 200, 'I1: what was issued is there');
  for (const form of acknowledged.used)
    t.equal((await post(issuer, '/token', form)).status, 400, 'I1, I2: a used code is used');
  t.same(
    fleet.faults.filter((fault) => !fault.startsWith('503')),
    [],
    'nobody got anything but 503',
  );
  await invariantsOf(t, standby);
});

t.test('RL-08 asynchronous replication: what was used in the lost moments stays used', async (t) => {
  const { primary, standby, fleet, pointTo } = await open(t, { isSynchronous: false });
  const { issuer } = fleet;
  const assist = demoParty(issuer, 'assist');
  const browser = new Agent(issuer);
  const { tokens } = await signIn(browser, assist, 'alan@acme.test');
  const other = (await signIn(new Agent(issuer), assist, 'ada@acme.test')).tokens;
  const stolen = (await signIn(new Agent(issuer), assist, 'ian@initech.test')).tokens;
  const used = await obtainCode(assist, { browser });
  const unused = await obtainCode(assist, { browser });
  await until(async () => (await lag(primary)) === 0, { what: 'the standby has seen that' });

  await standby.stop('fast');
  t.equal((await post(issuer, '/token', used.form)).status, 200);
  const rotate = async (token: string | undefined): Promise<string> =>
    ((await post(issuer, '/token', refreshForm(token))).json() as Tokens).refresh_token;
  const successor = await rotate(tokens.refresh_token);
  const stolenSuccessor = await rotate(stolen.refresh_token);
  await primary.kill();
  await standby.start();

  await t.test('a standby is not taken for a database: 503 until it is promoted', async (t) => {
    pointTo(standby);
    const ready = (): Promise<number> => fetch(`${issuer}/readyz`).then(({ status }) => status);
    await until(async () => (await ready()) === 503, { what: 'nobody is ready' });
    const answer = await post(issuer, '/token', refreshForm(tokens.refresh_token));
    t.equal(answer.status, 503);
    t.ok(answer.headers.get('retry-after'));
    await standby.promote();
    await until(async () => (await ready()) === 200, { what: 'all is well', withinMs: 60_000 });
  });
  await until(() => isServing(fleet), { what: 'the service is back', withinMs: 60_000 });

  const db = connect(standby.url(database), { max: 1 });
  t.teardown(() => db.destroy());
  const known = db.selectFrom('timelines').select('timeline').execute();
  t.equal((await known).length, 2, 'the new timeline is known');
  const told = db.selectFrom('events').select('details').where('type', '=', 'database.failed_over').execute();
  t.equal((await told).length, 1, 'and told of once, by whichever replica');
  for (const { form } of [used, unused])
    t.equal(
      (await post(issuer, '/token', form)).status,
      400,
      'I1: a code of before, whether its use is known or not',
    );
  t.equal(
    (await obtainCode(assist, { browser })).form['grant_type'],
    'authorization_code',
    'a session goes on',
  );
  t.equal(
    (await post(issuer, '/token', refreshForm(other.refresh_token))).status,
    200,
    'and a refresh token',
  );
  t.equal(
    (await post(issuer, '/token', refreshForm(successor))).status,
    400,
    'nobody has heard of the successor',
  );
  t.equal(
    (await post(issuer, '/token', refreshForm(tokens.refresh_token))).status,
    400,
    'and what it was made from ends with it, whoever has a copy',
  );
  // a thief's copy, rotated away in the lost moments, is current again: it leads to what the client has, not past it
  t.equal(await rotate(stolen.refresh_token), stolenSuccessor, 'no second lineage');
  const next = await rotate(stolenSuccessor);
  for (const token of [stolen.refresh_token, next])
    t.equal((await post(issuer, '/token', refreshForm(token))).status, 400, 'the second of the two ends it');
  await invariantsOf(t, standby);
});

async function lag(primary: Cluster): Promise<number> {
  const client = new pg.Client(primary.url());
  await client.connect();
  const { rows } = await client.query<{ bytes: string }>(
    'select pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) as bytes from pg_stat_replication',
  );
  await client.end();
  return Number(rows[0]?.bytes ?? Infinity);
}

async function invariantsOf(t: Test, cluster: Cluster): Promise<void> {
  const db = connect(cluster.url(database), { max: 1 });
  await assertInvariants(t, db);
  await db.destroy();
}
