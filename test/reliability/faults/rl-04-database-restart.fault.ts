/** PostgreSQL is stopped, killed and frozen. */
import t from 'tap';
import { connect } from '../../../src/db/connect.ts';
import { assertInvariants, brokenInvariants } from '../../support/invariants.ts';
import { createMigrated, startCluster, startStandby } from '../../support/cluster.ts';
import { startApp } from '../../support/app.ts';

t.test('RL-04 the database can be stopped, killed and frozen, and comes back', async (t) => {
  const cluster = await startCluster(t);
  const url = await createMigrated(cluster);
  const { ctx } = await startApp(t, { databaseUrl: url });
  await assertInvariants(t, ctx.db);
  await cluster.freeze();
  await cluster.thaw();
  for (const end of [() => cluster.stop('fast'), () => cluster.stop('immediate'), () => cluster.kill()]) {
    await end();
    await cluster.start();
  }
  const standby = await startStandby(t, cluster);
  await standby.promote();
  const db = connect(standby.url('doorward'));
  t.teardown(() => db.destroy());
  t.same(await brokenInvariants(db), {});
});
