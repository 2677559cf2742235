/**
 * RL-20: a replica stands still while things are taken back, and goes on with what it knew: it never honours what was
 * taken back meanwhile. Nor does any other for longer than a moment.
 */
import t from 'tap';
import { createDatabase } from '../../support/database.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { amount, pause } from '../../support/reliability.ts';
import { startReplicas } from '../../support/replicas.ts';
import { makeRevocable } from '../../support/revocations.ts';

const stillSeconds = amount({ whole: 60, bounded: 7 });
/** The promise is a second; a machine that is busy with other things asks late. */
const withinMs = amount({ whole: 1000, bounded: 5000 });

t.test('RL-20 a replica that stood still honours nothing that was taken back meanwhile', async (t) => {
  const databaseUrl = await createDatabase(t);
  const { issuer, origins, ctx, signal } = await startReplicas(t, { count: 2, databaseUrl });
  const [frozen = '', other = ''] = origins;
  const revocations = await makeRevocable(issuer, ctx);
  for (const { what, counts } of revocations) t.ok(await counts(frozen), `before: ${what}`);
  signal(0, 'SIGSTOP');
  for (const { revoke } of revocations) await revoke(other);
  // these lie in its sockets when it goes on, before it could hear of anything
  const asked = revocations.map(({ counts }) => counts(frozen));
  await pause(stillSeconds * 1000);
  signal(0, 'SIGCONT');
  const honoured = await Promise.all(asked);
  for (const [index, { what, counts }] of revocations.entries()) {
    t.equal(honoured[index], false, what);
    t.notOk(await counts(frozen), `and after: ${what}`);
  }
  await assertInvariants(t, ctx.db, 'of the test');
});

t.test('RL-20 what is taken back counts nowhere a moment later', async (t) => {
  const databaseUrl = await createDatabase(t);
  const { issuer, origins, ctx } = await startReplicas(t, { count: 2, databaseUrl });
  const [one = '', other = ''] = origins;
  const revocations = await makeRevocable(issuer, ctx);
  for (const { what, counts, revoke } of revocations) {
    // a person's second line was taken back with the first
    for (const origin of origins) await counts(origin);
    await revoke(one);
    const since = performance.now();
    while (await counts(other));
    const ms = performance.now() - since;
    t.ok(ms < withinMs, `${what}: ${Math.round(ms)} ms`);
  }
});
