/**
 * RL-27: replicas are killed while they migrate an empty database and make their first keys, all of them at once. Whoever
 * comes after finds no half of anything: there is one schema and one set of keys.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import t, { type Test } from 'tap';
import { listKeys } from '../../../src/core/keys/keys.ts';
import { connect } from '../../../src/db/connect.ts';
import { compareMigrations } from '../../../src/db/migrate.ts';
import { freePort } from '../../support/app.ts';
import { brokenInvariants } from '../../support/invariants.ts';
import { amount, random, seed, until } from '../../support/reliability.ts';
import { createEmptyDatabase } from '../../support/replicas.ts';

const secret = (): string => randomBytes(32).toString('base64url');
const keys = { SECRET_KEYS: secret(), COOKIE_KEYS: secret() };

async function startOne(t: Test, databaseUrl: string): Promise<{ child: ChildProcess; origin: string }> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: {
      PATH: process.env['PATH'],
      ...keys,
      ISSUER: 'http://127.0.0.1:1',
      DATABASE_URL: databaseUrl,
      PORT: String(port),
    },
    stdio: 'ignore',
  });
  t.teardown(() => child.kill('SIGKILL'));
  return { child, origin };
}

/** How far the first start has come: rows of each, none where the table is not there yet. */
async function progress(client: pg.Client): Promise<{ migrating: boolean; migrated: boolean; keys: number }> {
  const { rows } = await client.query<{ migrating: boolean; migrated: boolean }>(
    `select exists (select from pg_locks where locktype = 'advisory') as migrating,
      to_regclass('signing_keys') is not null as migrated`,
  );
  const [found = { migrating: false, migrated: false }] = rows;
  if (!found.migrated) return { ...found, keys: 0 };
  const counted = await client.query<{ count: number }>('select count(*)::integer from signing_keys');
  return { ...found, keys: counted.rows[0]?.count ?? 0 };
}

/** When a replica is killed: what has been seen in the database. */
const moments: Readonly<Record<string, (seen: Awaited<ReturnType<typeof progress>>) => boolean>> = {
  'one of them migrates': ({ migrating }) => migrating,
  'the schema is there': ({ migrated }) => migrated,
  'there is a key': ({ keys }) => keys > 0,
};

t.test('RL-27 three replicas start at once on an empty database, and some are killed', async (t) => {
  const chance = random(seed(t));
  const rounds = amount({ whole: 50, bounded: 3 });
  for (let round = 0; round < rounds; round += 1) {
    const [moment = '', isNow = () => true] = Object.entries(moments)[round % 3] ?? [];
    const killed = 1 + chance.below(3);
    await t.test(`round ${round}: ${killed} die when ${moment}`, async (t) => {
      const databaseUrl = await createEmptyDatabase(t);
      const client = new pg.Client(databaseUrl);
      client.on('error', () => {});
      await client.connect();
      t.teardown(() => client.end());
      const first = await Promise.all([1, 2, 3].map(() => startOne(t, databaseUrl)));
      await until(async () => isNow(await progress(client)), { what: moment, withinMs: 60_000 });
      for (const { child } of first.slice(0, killed)) child.kill('SIGKILL');
      const second = await Promise.all(first.slice(0, killed).map(() => startOne(t, databaseUrl)));
      const alive = [...first.slice(killed), ...second];
      for (const { origin } of alive)
        await until(
          () =>
            fetch(`${origin}/readyz`)
              .then((answer) => answer.ok)
              .catch(() => false),
          {
            what: 'it is ready',
            withinMs: 90_000,
          },
        );

      const db = connect(databaseUrl, { max: 1 });
      t.teardown(() => db.destroy());
      t.match(await compareMigrations(db), { missing: [], unknown: [] }, 'one schema');
      const made = await listKeys(db, new Date());
      t.same(
        made.map(({ alg, state }) => `${alg} ${state}`).sort(),
        ['ES256 current', 'RS256 current'],
        'one set of keys',
      );
      const published = await Promise.all(
        alive.map(async ({ origin }) => (await fetch(`${origin}/jwks`)).text()),
      );
      t.equal(new Set(published).size, 1, 'the same at each');
      t.same(await brokenInvariants(db), {});
    });
  }
});
