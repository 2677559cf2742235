/** Reads that share a statement: each asker gets what is theirs, and depends on nobody else. */
import { sql } from 'kysely';
import t from 'tap';
import { connect, type Db } from '../../src/db/connect.ts';
import { troubleMet, withPatience } from '../../src/db/patience.ts';
import { asBytea, asTable, type Placed, shareStatement } from '../../src/db/together.ts';
import { DatabaseTrouble } from '../../src/db/trouble.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { overhearStatements } from '../support/statements.ts';
import { sha256, signIn } from '../support/relying-party.ts';
import { demoParty, introspect, post, refreshForm } from './requests.ts';

interface Squared extends Placed {
  readonly square: number;
}

/** Squares of the numbers that are even, and what was asked for at once. */
function reader() {
  const asked: (readonly number[])[] = [];
  const find = shareStatement(async (db, numbers: readonly number[], _now) => {
    asked.push([...numbers]);
    const table = asTable(numbers.map((n) => ({ n })));
    const { rows } = await sql<Squared>`
      select asked.place, asked.n * asked.n * n / n as square from json_to_recordset(${table}) as asked (place int, n int)
      where asked.n % 2 = 0 order by asked.n desc`.execute(db);
    return rows;
  });
  return { asked, find };
}

const now = new Date();
const waiting = { seconds: 60, isGone: () => false };

t.test('who asks in the same turn shares a statement, and gets what is theirs', async (t) => {
  const db = connect(await createDatabase(t));
  t.teardown(() => db.destroy());
  const { asked, find } = reader();
  const together = await Promise.all([2, 3, 4, 2].map((n) => find(db, n, now)));
  t.same(
    together.map((row) => row?.square),
    [4, undefined, 16, 4],
    'whatever the order of the rows',
  );
  t.equal((await find(db, 6, now))?.square, 36, 'who asks alone is answered as well');
  t.same(asked, [[2, 3, 4, 2], [6]]);

  const crowd = Array.from({ length: 250 }, (_, n) => 2 * n + 2);
  const rows = await Promise.all(crowd.map((n) => find(db, n, now)));
  t.same(
    rows.map((row) => row?.square),
    crowd.map((n) => n * n),
  );
  t.same(
    asked.slice(2).map(({ length }) => length),
    [100, 100, 50],
    'a crowd is several statements',
  );
});

t.test('nobody is asked for on the connection of another database', async (t) => {
  const [one, other] = [connect(await createDatabase(t)), connect(await createDatabase(t))];
  t.teardown(() => Promise.all([one.destroy(), other.destroy()]));
  const named = (db: Db) => sql<{ name: string }>`select current_database() as name`.execute(db);
  const find = shareStatement(async (db: Db, keys: readonly number[]) => {
    const { name } = (await named(db)).rows[0] ?? { name: '' };
    return keys.map((_, place) => ({ place, name }));
  });
  const [here, there] = await Promise.all([find(one, 1, now), find(other, 1, now)]);
  t.equal(here?.name, (await named(one)).rows[0]?.name);
  t.equal(there?.name, (await named(other)).rows[0]?.name);
});

t.test('nobody depends on the patience of another', async (t) => {
  const db = connect(await createDatabase(t));
  t.teardown(() => db.destroy());
  const { find } = reader();
  let isGone = false;
  const leaving = withPatience({ seconds: 60, isGone: () => isGone }, () => find(db, 2, now));
  const staying = withPatience(waiting, () => find(db, 4, now));
  isGone = true;
  t.equal((await staying)?.square, 16, 'the first to ask hangs up, and the second is answered');
  t.equal((await leaving)?.square, 4);
  const late = withPatience({ seconds: 60, isGone: () => true }, () => find(db, 2, now));
  await t.rejects(late, { message: /nobody_waits/ }, 'who has hung up asks for nothing');
  const hurried = withPatience({ seconds: -1, isGone: () => false }, () => find(db, 2, now));
  await t.rejects(hurried, { message: /out_of_time/ });
});

t.test('a key that spoils a statement spoils it for itself', async (t) => {
  const db = connect(await createDatabase(t));
  t.teardown(() => db.destroy());
  const { asked, find } = reader();
  const [good, bad, missing] = await Promise.allSettled([2, 0, 3].map((n) => find(db, n, now)));
  t.match(good, { value: { square: 4 } });
  t.match(bad, { reason: { message: /division by zero/ } });
  t.match(missing, { status: 'fulfilled', value: undefined });
  t.same(asked, [[2, 0, 3], [2], [0], [3]]);
  await t.rejects(find(db, 0, now), { message: /division by zero/ }, 'and by itself is asked for once');
  t.equal(asked.length, 5);
});

t.test('a failure is met by all who share it, and the next are asked for anew', async (t) => {
  const db = connect('postgres://nobody@127.0.0.1:1/nothing', { waitSeconds: 1 });
  t.teardown(() => db.destroy());
  const { asked, find } = reader();
  const meet = () =>
    withPatience(waiting, async () => {
      await t.rejects(find(db, 2, now), DatabaseTrouble);
      return troubleMet();
    });
  for (const trouble of await Promise.all([meet(), meet()])) t.ok(trouble, 'each request knows of it');
  t.ok(await meet());
  t.same(asked, [[2, 2], [2]]);
});

t.test('tokens of several people that are asked for at once stay theirs', async (t) => {
  const heard = await overhearStatements(t, await createDatabase(t));
  const { issuer } = await startApp(t, { databaseUrl: heard.databaseUrl });
  const people = ['ada@acme.test', 'alan@acme.test'];
  const party = demoParty(issuer, 'confidential', 'openid email');
  const tokens = await Promise.all(
    people.map(async (email) => {
      const { tokens } = await signIn(new Agent(issuer), party, email);
      return { token: tokens.access_token, sub: tokens.claims()?.sub };
    }),
  );
  heard.take();
  const crowd = Array.from({ length: 10 }, () => [
    ...tokens,
    { token: 'x'.repeat(43), sub: undefined },
  ]).flat();
  const answers = await Promise.all(crowd.map(({ token }) => introspect(issuer, token)));
  t.same(
    answers.map(({ sub }) => sub),
    crowd.map(({ sub }) => sub),
  );
  const statements = heard.take().filter((text) => text.includes('json_to_recordset'));
  t.ok(statements.length < crowd.length, `${crowd.length} were asked for by ${statements.length} statements`);
});

t.test('bytes are what they were', async (t) => {
  const db = connect(await createDatabase(t));
  t.teardown(() => db.destroy());
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  const { rows } = await sql<{ bytes: Buffer; place: number }>`
    select * from json_to_recordset(${asTable([{ bytes: asBytea(bytes) }])}) as asked (place int, bytes bytea)`.execute(
    db,
  );
  t.same(rows, [{ place: 0, bytes }]);
});

t.test('who refreshes at once gets a successor of their own, and waits for nobody', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist');
  const fresh = async (email: string) => {
    const { tokens } = await signIn(new Agent(issuer), assist, email);
    return tokens.refresh_token ?? '';
  };
  const refresh = async (token: string) => {
    const answer = await post(issuer, '/token', refreshForm(token));
    const { refresh_token: next, error } = answer.json() as { refresh_token?: string; error?: string };
    return { status: answer.status, next, error };
  };
  const [stolen = '', ...others] = await Promise.all(
    Array.from({ length: 8 }, (_, n) => fresh(n % 2 === 0 ? 'ada@acme.test' : 'alan@acme.test')),
  );
  const rotated = (await refresh((await refresh(stolen)).next ?? '')).next;

  const shown = [...others, ...others, stolen];
  const answers = await Promise.all(shown.map(refresh));
  const last = answers.pop();
  t.match(
    last,
    { status: 400, error: 'invalid_grant' },
    'one that is long used is a theft, whoever stands beside it',
  );
  t.match(await refresh(rotated ?? ''), { status: 400 });
  t.ok(answers.every(({ status }) => status === 200));
  const successors = answers.map(({ next }) => next);
  t.same(successors.slice(0, 7), successors.slice(7), 'of two with one token each gets the same successor');
  t.equal(new Set(successors).size, 7);
  t.ok(
    successors.every((next, at) => next?.slice(0, 22) === shown[at]?.slice(0, 22)),
    'and their own',
  );

  const [held, ...free] = successors.slice(0, 7).map((next) => next ?? '');
  const outside = connect(app.databaseUrl, { max: 1 });
  t.teardown(() => outside.destroy());
  let isReleased = false;
  const late = await outside.transaction().execute(async (tx) => {
    const row = tx.selectFrom('refreshFamilies').where('familyHash', '=', sha256(held?.slice(0, 22) ?? ''));
    await row.select('grantId').forUpdate().executeTakeFirstOrThrow();
    const waiting = refresh(held ?? '').finally(() => t.ok(isReleased, 'who is held up waits'));
    const freed = await Promise.all(free.map(refresh));
    t.ok(
      freed.every(({ status }) => status === 200),
      'and nobody with them',
    );
    isReleased = true;
    return { waiting };
  });
  t.equal((await late.waiting).status, 200);
  const generations = await ctx.db.selectFrom('refreshFamilies').select('generation').execute();
  t.same(
    generations.map(({ generation }) => generation),
    Array.from({ length: 7 }, () => 3),
    'two rotations each, whatever was repeated',
  );
});
