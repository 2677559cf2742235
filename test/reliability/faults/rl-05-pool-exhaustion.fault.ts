/** Every connection to the database waits for a lock, and hundreds wait for a connection. */
import pg from 'pg';
import t from 'tap';
import { connect } from '../../../src/db/connect.ts';
import { DatabaseTrouble } from '../../../src/db/trouble.ts';
import { demoParty, post, refreshForm } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { createDatabase } from '../../support/database.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { assertServed, p99, watch } from '../../support/outage.ts';
import { amount, pause, tell, until } from '../../support/reliability.ts';
import { signIn } from '../../support/relying-party.ts';
import { isAtRest } from '../../support/replica-pool.ts';
import { startReplicas } from '../../support/replicas.ts';

/** Each begins a sign-in, which takes a connection; and so many refresh, who share one. */
const callers = amount({ whole: 500, bounded: 300 });
const refreshers = 50;
/** Fifty may wait for each of five connections. */
const env = { DATABASE_POOL_SIZE: '5', DATABASE_WAIT_SECONDS: '2', DATABASE_STATEMENT_SECONDS: '3' };

t.test('RL-05 every connection waits for a lock', async (t) => {
  const databaseUrl = await createDatabase(t);
  const { issuer, origins, ctx, output } = await startReplicas(t, { count: 1, databaseUrl, env });
  const [origin = ''] = origins;
  const party = demoParty(issuer, 'assist');
  const { tokens } = await signIn(new Agent(issuer), party, 'alan@acme.test');
  const { href } = (await party.start()).url;
  const form = refreshForm(tokens.refresh_token);
  const blocker = new pg.Client(databaseUrl);
  await blocker.connect();
  t.teardown(() => blocker.end());
  await blocker.query('begin; lock table interactions, refresh_families in access exclusive mode');
  const watched = watch(origin, ['/livez', '/readyz', '/jwks']);

  const begun = performance.now();
  const answers = await Promise.all(
    Array.from({ length: callers + refreshers }, async (_, caller) => {
      const begins = caller < callers;
      const answer = await (begins ? new Agent(issuer).get(href) : post(origin, '/token', form));
      return { status: assertServed(answer), ms: performance.now() - begun };
    }),
  );
  t.ok(
    answers.every(({ status }) => status === 503),
    'each is told to come back',
  );
  const slowest = Math.max(...answers.map(({ ms }) => ms));
  tell(t, `${answers.length} callers, the last answered after ${slowest.toFixed()} ms`);
  t.ok(slowest < 15_000, `within ${slowest.toFixed()} ms`);
  for (const reason of ['too_many_wait', 'no_free_connection', '55P03']) t.match(output(), `"${reason}"`);

  const seen = await watched.stop();
  t.ok(
    seen.every(({ status }) => status === 200),
    'it stays alive and ready',
  );
  t.ok(p99(seen) < 2500, `and says so soon: p99 ${p99(seen).toFixed()} ms`);

  await blocker.query('rollback');
  const answer = await post(origin, '/token', form);
  t.equal(answer.status, 200, 'and when the lock is gone, serves at once');
  await until(() => isAtRest(origin, ctx.db), { what: 'every connection has come back' });
  await assertInvariants(t, ctx.db);
});

t.test('a transaction that forgets to end is ended, and its connection with it', async (t) => {
  const db = connect(await createDatabase(t), { max: 1, statementSeconds: 1 });
  t.teardown(() => db.destroy());
  const forgotten = db.transaction().execute(async (tx) => {
    await tx.selectFrom('users').select('id').execute();
    await pause(5000); // three seconds may pass within a transaction of such statements
    await tx.selectFrom('users').select('id').execute();
  });
  await t.rejects(forgotten, DatabaseTrouble);
  t.same(await db.selectFrom('users').select('id').execute(), [], 'the next one gets another');
});
