/**
 * Replicas are restarted in turn behind a balancer while signing keys rotate, under load: no request fails, and no token
 * is signed with a key unknown to a resource server that keeps the keys it has fetched.
 */
import { decodeProtectedHeader } from 'jose';
import t from 'tap';
import { demoParty, introspect, post, refreshForm } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { probeEveryMs } from '../../support/balancer.ts';
import { createDatabase } from '../../support/database.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { holdKeys } from '../../support/key-holder.ts';
import { askForToken, kept, kidIn, rotateQuickly, tokenOf } from '../../support/quick-rotation.ts';
import { signIn } from '../../support/relying-party.ts';
import { amount, startLoad, tell, until } from '../../support/reliability.ts';
import { startReplicas } from '../../support/replicas.ts';

/** Rolling restarts of the pair, each replica in its turn. */
const rounds = amount({ whole: 20, bounded: 2 });
const rotations = amount({ whole: 20, bounded: 3 });
const programs = amount({ whole: 4, bounded: 2 });
const people = amount({ whole: 3, bounded: 1 });
/** Longer than it takes the balancer to notice, many times over. */
const drainSeconds = amount({ whole: 3, bounded: 2 });

t.test('RL-10 replicas restart in turn while keys rotate, and nobody notices', async (t) => {
  const { issuer, ctx, restart, output } = await startReplicas(t, {
    count: 2,
    databaseUrl: await createDatabase(t),
    env: { DRAIN_SECONDS: String(drainSeconds) },
  });
  t.ok(drainSeconds * 1000 > 3 * probeEveryMs);
  const holder = holdKeys(issuer, { seconds: kept, now: ctx.now });
  const used = new Set<string>();
  const party = demoParty(issuer, 'assist');
  const refreshTokens = await Promise.all(
    Array.from({ length: people }, async () => {
      const { tokens } = await signIn(new Agent(issuer), party, 'alan@acme.test');
      return tokens.refresh_token ?? '';
    }),
  );

  const asProgram = async (): Promise<number> => {
    const answer = await askForToken(issuer);
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    used.add(await holder.verify(tokenOf(answer)));
    if ((await introspect(issuer, tokenOf(answer)))['active'] !== true) throw new Error('inactive');
    return 200;
  };
  const refresh = async (person: number): Promise<number> => {
    const answer = await post(issuer, '/token', refreshForm(refreshTokens[person]));
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    const tokens = answer.json() as { refresh_token: string; id_token: string };
    used.add(decodeProtectedHeader(tokens.id_token).kid ?? '');
    await holder.verify(tokens.id_token);
    refreshTokens[person] = tokens.refresh_token;
    return 200;
  };
  const enter = async (): Promise<string> => {
    await signIn(new Agent(issuer), party, 'ada@acme.test');
    return 'signed in';
  };
  const load = startLoad({
    workers: programs + people + 1,
    send: (worker) => {
      if (worker < programs) return asProgram();
      return worker < programs + people ? refresh(worker - programs) : enter();
    },
  });

  const kids = new Set<string>();
  const rotate = async (): Promise<void> => {
    for (let rotation = 0; rotation < rotations; rotation += 1) {
      const [before, after] = await rotateQuickly(ctx);
      kids.add(before).add(after);
      await until(async () => kidIn(await askForToken(issuer)) === after, { what: 'the next key signs' });
      const published = async () => (await fetch(`${issuer}/jwks`)).text();
      await until(async () => !(await published()).includes(before), { what: 'the old key is gone' });
    }
  };
  let slowest = 0;
  const roll = async (): Promise<void> => {
    for (let round = 0; round < rounds; round += 1)
      for (const replica of [0, 1]) {
        const { code, afterMs } = await restart(replica);
        t.equal(code, 0, 'it ended in good order');
        slowest = Math.max(slowest, afterMs);
      }
  };
  await Promise.all([rotate(), roll()]);
  const { counts, total, failures, slowestMs } = await load.stop();
  tell(
    t,
    `${total} of ${JSON.stringify(counts)}, the slowest ${slowestMs.toFixed()} ms; ended within ${slowest.toFixed()} ms`,
  );
  t.same(failures, [], 'no request has failed');
  t.same(Object.keys(counts).sort(), ['200', 'signed in']);
  for (const kid of kids) t.ok(used.has(kid), `${kid} has signed`);
  t.ok(slowest < 10_000, `each ended within ${slowest.toFixed()} ms`);
  t.notMatch(output(), /"level":[56]0/, 'and no replica has met a fault');
  await assertInvariants(t, ctx.db);
});
