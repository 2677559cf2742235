/** CR-02: what is sealed is sealed anew when the key changes, all of it, while everything goes on. */
import { sql } from 'kysely';
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { isTested, openClientSecret } from '../../src/core/connections/connections.ts';
import { emptyKeys, listKeyRings, resealNow, sealedPlaces } from '../../src/core/key-rings/key-rings.ts';
import { seal } from '../../src/kernel/seal.ts';
import { hour } from '../../src/kernel/time.ts';
import { startApp } from '../support/app.ts';
import { doorward } from '../support/command.ts';
import { idOf, newKey, openKeyFiles } from '../support/key-files.ts';
import { getConnection } from '../support/make-connection.ts';
import { until } from '../support/reliability.ts';
import { findSealed, sealEverywhere } from '../support/sealed.ts';

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const listed = new Set(
  sealedPlaces.map(({ table, column, path = [] }) =>
    [snakeCase(table), snakeCase(column), ...path].join('.'),
  ),
);

t.test('every place where something is sealed is in the table of them', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;
  await sealEverywhere(app);
  t.same(await findSealed(ctx, ctx.config.secretKeys[0].id), listed, 'and nothing there is made up');
  const { rows } = await sql<{ name: string }>`
    select table_name || '.' || column_name as name from information_schema.columns
    where table_schema = 'public' and column_name ~ '(^|_)sealed$'`.execute(ctx.db);
  for (const { name } of rows) t.ok(listed.has(name), name);
});

t.test('a sealing key is replaced while the service runs', async (t) => {
  const [old, next] = [newKey(), newKey()];
  const files = await openKeyFiles(t, { SECRET_KEYS: [old], COOKIE_KEYS: [newKey()] });
  const app = await startApp(t, { env: files.env });
  const { ctx } = app;
  const { connection } = await sealEverywhere(app);
  await files.write('SECRET_KEYS', [next, old]);
  await until(() => ctx.config.secretKeys[0].id === idOf(next), { what: 'the new key seals' });
  t.same(await findSealed(ctx, idOf(old)), listed, 'what the old one has sealed stays readable');
  t.equal(openClientSecret(ctx.config, connection), 'a client secret of theirs');

  await t.test('what somebody holds is passed over, and taken the next time', async (t) => {
    await ctx.db.transaction().execute(async (tx) => {
      await sql`select 1 from connections where id = ${connection.id} for update`.execute(tx);
      await resealNow(ctx);
    });
    t.same(await findSealed(ctx, idOf(old)), new Set(['connections.secret_sealed']));
    t.equal(await emptyKeys(ctx), 1);
    t.equal(await emptyKeys(ctx), 0);
    t.same(await findSealed(ctx, idOf(old)), new Set());
    t.same(await findSealed(ctx, idOf(next)), listed);
  });

  await t.test('everything opens by the new key alone', async (t) => {
    await files.write('SECRET_KEYS', [next]);
    app.advance(hour + 1);
    await emptyKeys(ctx);
    await until(() => ctx.config.secretKeys.length === 1, { what: 'the old key is gone' });
    await until(async () => (await fetch(`${app.issuer}/readyz`)).status === 200, { what: 'it serves' });
    t.same(await resealNow(ctx), { resealed: 0, unreadable: 0 });
    const after = await getConnection(ctx, connection.id);
    t.equal(openClientSecret(ctx.config, after), 'a client secret of theirs');
    t.ok(isTested(after), 'a connection that was tested still is');
    const offered = ctx.db.selectFrom('connectionTests').select('settingsHash');
    const [test] = await offered.where('connectionId', '=', connection.id).execute();
    t.ok(test?.settingsHash.equals(after.settingsHash), 'and one that is being tested, too');
  });
});

t.test('what cannot be opened is told, and its key is not said to be empty', async (t) => {
  const [old, next] = [newKey(), newKey()];
  const files = await openKeyFiles(t, { SECRET_KEYS: [old], COOKIE_KEYS: [newKey()] });
  const app = await startApp(t, { demo: false, env: files.env });
  const { ctx } = app;
  await inTransaction(ctx, (tx) =>
    sql`insert into idempotency_keys (caller, key, request_hash, answer_sealed, expires_at)
      values ('x', 'y', '', ${`${idOf(old)}.AAAA`}, ${ctx.now()})`.execute(tx.db),
  );
  await files.write('SECRET_KEYS', [next, old]);
  await until(() => ctx.config.secretKeys[0].id === idOf(next), { what: 'the new key seals' });
  t.match(await resealNow(ctx), { unreadable: 1 });
  t.equal((await doorward(app, 'keys', 'reseal')).code, 1);
  t.match(await listKeyRings(ctx), [{}, { id: idOf(old), sealed: 1, removableAt: undefined }]);
});

t.test('many replicas seal anew at once, and each value once', async (t) => {
  const [old, next] = [newKey(), newKey()];
  const files = await openKeyFiles(t, { SECRET_KEYS: [old], COOKIE_KEYS: [newKey()] });
  const app = await startApp(t, { demo: false, env: files.env });
  const { ctx } = app;
  await sql`insert into idempotency_keys (caller, key, request_hash, answer_sealed, expires_at)
    select 'x', n::text, '', 'x', ${ctx.now()} from generate_series(1, 1000) n`.execute(ctx.db);
  const { rows } = await sql<{ key: string }>`select key from idempotency_keys`.execute(ctx.db);
  for (const { key } of rows)
    await sql`update idempotency_keys set answer_sealed = ${seal(ctx.config.secretKeys, key, `idempotency_keys/x/${key}`)}
      where key = ${key}`.execute(ctx.db);
  await files.write('SECRET_KEYS', [next, old]);
  await until(() => ctx.config.secretKeys[0].id === idOf(next), { what: 'the new key seals' });
  const runs = await Promise.all(Array.from({ length: 4 }, () => resealNow(ctx)));
  t.equal((await findSealed(ctx, idOf(old))).size, 0);
  t.equal(
    runs.reduce((sum, { resealed }) => sum + resealed, 0),
    1000 + 2,
    'and two signing keys',
  );
});
