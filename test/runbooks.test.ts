/** What the documents for operators say to run against the database can be run. */
import { glob, readFile } from 'node:fs/promises';
import { sql } from 'kysely';
import t from 'tap';
import { startApp } from './support/app.ts';

t.test('every statement in the documents for operators is one of this schema', async (t) => {
  const { ctx } = await startApp(t, { demo: false });
  let found = 0;
  for await (const file of glob(['docs/operations.md', 'docs/runbooks/*.md'])) {
    const text = (await readFile(file, 'utf8')).replaceAll(/\s+/g, ' ');
    for (const [, statement = ''] of text.matchAll(
      /`((?:select|delete|update) [^`]+ [^`]+ [^`]+|select [^`]+)`/g,
    )) {
      found += 1;
      // what the reader puts in
      const filled = statement.replaceAll(/'?<\w+>'?/g, 'null');
      const planned = sql.raw(`explain ${filled}`).execute(ctx.db);
      await t.resolves(planned, `${file}: ${statement}`);
    }
  }
  t.ok(found >= 5, `${found} statements`);
});
