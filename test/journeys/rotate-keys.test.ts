/** docs/runbooks/rotate-keys.md, command by command: every kind of key is replaced, and nobody notices. */
import { sql } from 'kysely';
import t from 'tap';
import { demoParty, post, refreshForm } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { type Ended, run } from '../support/command.ts';
import { idOf, newKey, openKeyFiles, type RingFile } from '../support/key-files.ts';
import { callbackParams, signIn } from '../support/relying-party.ts';
import { until } from '../support/reliability.ts';

interface Configured {
  readonly id: string;
  readonly state: string;
  readonly sealed?: number;
  readonly removable_at?: string;
}

t.test('keys are rotated by the runbook', async (t) => {
  const lists: Record<RingFile, readonly string[]> = { SECRET_KEYS: [newKey()], COOKIE_KEYS: [newKey()] };
  const files = await openKeyFiles(t, lists);
  const app = await startApp(t, { env: files.env });
  const { ctx, issuer, databaseUrl } = app;
  /** As an operator has it: with the same files. */
  const doorward = (...args: string[]): Promise<Ended> =>
    run('src/cli/doorward.ts', args, { ...files.env, DATABASE_URL: databaseUrl, ISSUER: issuer });
  const askOf = async <Row>(...args: string[]): Promise<Row[]> => {
    const { code, output, errors } = await doorward(...args, '--json');
    t.equal(code, 0, errors);
    return JSON.parse(output) as Row[];
  };
  const configured = async (...keys: string[]) => {
    const all = await askOf<Configured>('keys', 'configured');
    return keys.map((key) => all.find(({ id }) => id === idOf(key)));
  };
  const browser = new Agent(issuer);
  let refreshToken = (await signIn(browser, demoParty(issuer, 'assist'), 'alan@acme.test')).tokens
    .refresh_token;
  /** Whoever was here before still is, and goes on. */
  const goesOn = async (): Promise<void> => {
    const { url } = await demoParty(issuer, 'assist').start({ prompt: 'none' });
    t.ok(callbackParams(await browser.get(url.href)).has('code'), 'still signed in');
    const refreshed = await post(issuer, '/token', refreshForm(refreshToken));
    t.equal(refreshed.status, 200);
    refreshToken = (refreshed.json() as { refresh_token: string }).refresh_token;
  };

  await t.test('signing keys, one of which has leaked', async (t) => {
    t.equal((await doorward('keys', 'rotate', '--now', '--yes')).code, 0);
    const keys = await askOf<{ kid: string; state: string }>('keys', 'list');
    const retired = keys.filter(({ state }) => state === 'retired');
    t.equal(retired.length, 2, 'one of each algorithm');
    for (const { kid } of retired) t.equal((await doorward('keys', 'retire', kid, '--yes')).code, 0);
    await goesOn();
  });

  for (const ring of ['SECRET_KEYS', 'COOKIE_KEYS'] as const)
    await t.test(`${ring}, in two steps`, async (t) => {
      const [old = ''] = lists[ring];
      const next = newKey();
      await files.write(ring, [next, old]);
      const inProcess = ring === 'SECRET_KEYS' ? 'secretKeys' : 'cookieKeys';
      await until(() => ctx.config[inProcess][0].id === idOf(next), { what: 'it is used' });
      t.match(await configured(next, old), [{ state: 'used' }, { state: 'kept' }]);
      await goesOn();
      if (ring === 'SECRET_KEYS') {
        t.equal((await doorward('keys', 'reseal')).code, 0);
        const [emptied] = await configured(old);
        t.equal(emptied?.sealed, 0);
        t.notOk(emptied?.removable_at, 'but not before an hour is over');
      }
      // later: an hour, or seven days
      await sql`update key_uses set began_at = began_at - interval '8 days', used_until = used_until - interval '8 days'
        where key_id = ${idOf(old)}`.execute(ctx.db);
      t.equal((await doorward('keys', 'reseal')).code, 0);
      const [later] = await configured(old);
      t.ok(later?.removable_at && new Date(later.removable_at) <= ctx.now(), 'it may be removed');
      await files.write(ring, [next]);
      await until(() => ctx.config[inProcess].length === 1, { what: 'it is gone' });
      t.same(await configured(old), [undefined]);
      await goesOn();
      const checked = await doorward('doctor', '--json');
      const { checks } = JSON.parse(checked.output) as { checks: { name: string; status: string }[] };
      const ofKeys = checks.filter(({ name }) => name.endsWith('keys'));
      t.ok(ofKeys.length >= 3 && ofKeys.every(({ status }) => status === 'passed'));
    });
});
