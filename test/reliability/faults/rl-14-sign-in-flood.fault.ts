/** A flood of sign-ins, ten times what the processor can hash: tokens go on, the excess is told so, nothing piles up. */
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { assistApi, demoBasic, post } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { startApp } from '../../support/app.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { demoClient, RelyingParty, toStep } from '../../support/relying-party.ts';
import { amount, startLoad, until } from '../../support/reliability.ts';

/** Under way at once, all the time: the slots and the queue of the gate have room for a good sixty of them. */
const guessers = amount({ whole: 400, bounded: 150 });
const tokens = amount({ whole: 300, bounded: 40 });
const mebibyte = 1024 * 1024;

t.test('RL-14 ten times more sign-ins than can be hashed', async (t) => {
  const app = await startApp(t, { env: { TRUSTED_PROXIES: '127.0.0.1' } });
  const { issuer, ctx } = app;
  const party = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const browser = new Agent(issuer);
  const { url } = await toStep(browser, (await party.start()).url);
  const getToken = () =>
    post(issuer, '/token', { grant_type: 'client_credentials', resource: assistApi }, demoBasic('service'));
  t.equal((await getToken()).status, 200);

  let mostWaiting = 0;
  let without = 0;
  const before = process.memoryUsage().rss;
  const flood = startLoad({
    workers: guessers,
    send: async (worker, round) => {
      const guesser = new Agent(issuer);
      guesser.cookies = browser.cookies;
      const json = { email: `nobody-${worker}-${round}@example.test`, password: 'a guess' };
      const ip = `198.18.${worker & 255}.${round & 255}`;
      const answer = await guesser.post(`${url}/password`, { json, headers: { 'x-forwarded-for': ip } });
      mostWaiting = Math.max(mostWaiting, ctx.hashGate.load().waiting);
      if (answer.status === 503 && !(Number(answer.headers.get('retry-after')) > 0)) without += 1;
      return answer.status;
    },
  });
  await until(() => (flood.tally.counts['503'] ?? 0) > 0, { what: 'the excess is refused' });

  let late = 0;
  for (let token = 0; token < tokens; token += 1) {
    const [issued, keys] = [await getToken(), await fetch(`${issuer}/jwks`)];
    t.equal(keys.status, 200);
    if (issued.status === 503) late += 1;
    else t.equal(issued.status, 200);
  }
  t.ok(late <= tokens / 10, `tokens go on being signed; ${late} of ${tokens} had to be asked for again`);
  const threads = Promise.all([lookup('localhost'), readFile(new URL(import.meta.url))]);
  t.equal(
    await Promise.race([
      threads.then(() => 'done'),
      until(() => false, { what: '', withinMs: 5000 }).catch(() => 'starved'),
    ]),
    'done',
    'names and files are read',
  );
  const evaluated = flood.tally.counts['401'] ?? 0;
  t.ok(evaluated > 0, 'and sign-ins are looked at, as many as can be');

  const { counts, failures } = await flood.stop();
  t.same(failures, []);
  t.same(
    Object.keys(counts).filter((status) => !['401', '503'].includes(status)),
    [],
    JSON.stringify(counts),
  );
  t.equal(without, 0, 'whoever is refused is told when to come again');
  const { slots, waiting, busy } = ctx.hashGate.load();
  t.ok(mostWaiting <= 32 * slots, `${mostWaiting} waited at most`);
  t.same([waiting, busy], [0, 0], 'and in the end nobody does');
  const grown = (process.memoryUsage().rss - before) / mebibyte;
  t.ok(grown < 300, `${Math.round(grown)} MiB more than before, with all the guessers in it`);
  await assertInvariants(t, ctx.db);
});
