/** Everybody comes at once to a process that has just started, or whose caches have all ended: each thing is asked for once. */
import t from 'tap';
import { demoParty, post } from '../../provider/requests.ts';
import { Agent, type Answer } from '../../support/agent.ts';
import { createDatabase } from '../../support/database.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { goThere, startOidcCase } from '../../support/oidc-case.ts';
import { signIn } from '../../support/relying-party.ts';
import { amount } from '../../support/reliability.ts';
import { startReplicas } from '../../support/replicas.ts';
import { overhearStatements } from '../../support/statements.ts';

const families = amount({ whole: 100, bounded: 15 });
/** Refreshes of each at the same moment: two tabs, and what was sent again. */
const tabs = amount({ whole: 100, bounded: 10 });
const replicas = 2;
/** So many requests a balancer has under way; the others wait at it. */
const connections = 256;
/** People of one company who come back from its identity provider. */
const crowd = amount({ whole: 300, bounded: 100 });

t.test('RL-15 replicas restart into many refreshes at once', async (t) => {
  const { databaseUrl, take } = await overhearStatements(t, await createDatabase(t));
  const { issuer, ctx, restart } = await startReplicas(t, { count: replicas, databaseUrl });
  const tokens: string[] = [];
  for (let family = 0; family < families; family += 1) {
    const signedIn = await signIn(new Agent(issuer), demoParty(issuer, 'assist'), 'alan@acme.test');
    tokens.push(signedIn.tokens.refresh_token ?? '');
  }
  for (let replica = 0; replica < replicas; replica += 1) await restart(replica);
  take();
  const form = { grant_type: 'refresh_token', client_id: 'demo-assist' };
  // those of one family come together: a token that is ten seconds old is a theft
  const waiting = tokens.flatMap((token) => Array.from({ length: tabs }, () => token));
  const answers: Answer[] = [];
  const connection = async (): Promise<void> => {
    for (let token = waiting.pop(); token !== undefined; token = waiting.pop())
      answers.push(await post(issuer, '/token', { ...form, refresh_token: token }));
  };
  await Promise.all(Array.from({ length: connections }, connection));
  const statuses = Map.groupBy(answers, ({ status }) => status);
  t.same(
    [...statuses.keys()],
    [200],
    [...statuses].map(([status, all]) => `${all.length} × ${status}`).join(),
  );
  const successors = answers.map((answer) => (answer.json() as { refresh_token: string }).refresh_token);
  t.equal(new Set(successors).size, families, 'one successor for each family');
  const clients = take().filter((text) => text.includes('from "clients"') && !text.includes('"seats"'));
  t.ok(clients.length <= 3 * replicas, `the client was read ${clients.length} times`);
  await assertInvariants(t, ctx.db);
});

t.test('everything that is known of an identity provider ends at once', async (t) => {
  const { app, ctx, idp, id } = await startOidcCase(t);
  const document = '/.well-known/openid-configuration';
  const comeAtOnce = async (): Promise<void> => {
    const came = await Promise.all(Array.from({ length: crowd }, () => goThere({ ctx, idp }, id)));
    t.ok(came.every((one) => 'identity' in one));
  };
  const asked = () => [idp.count(document), idp.count('/jwks')];
  await comeAtOnce();
  t.same(asked(), [1, 1], 'a crowd of the first');
  app.advance(2 * 3600);
  await comeAtOnce();
  t.same(asked(), [2, 2], 'and when both are old');
  await comeAtOnce();
  t.same(asked(), [2, 2], 'and not again');
  app.advance(2 * 86_400);
  await comeAtOnce();
  t.same(asked(), [3, 3], 'and when they are too old to be used');
});
