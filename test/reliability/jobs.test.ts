/** Background jobs run on every replica at once, and what each does is done once. */
import t from 'tap';
import { startApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { startResolvers } from '../support/domains.ts';
import { dueWork } from '../support/due-work.ts';
import { newKey } from '../support/key-files.ts';
import { openSmtpMailbox } from '../support/mailbox.ts';

const replicas = 3;
/** Of each job on each replica: more than there would ever be. */
const runs = 2;

for (const [job, arrange] of Object.entries(dueWork)) {
  t.test(`${job}: on ${replicas} replicas at once, every effect is there once`, async (t) => {
    const databaseUrl = await createDatabase(t);
    const resolvers = await startResolvers(t);
    const { mails, smtpUrl } = await openSmtpMailbox(t);
    const env = { ...resolvers.env, SMTP_URL: smtpUrl, SECRET_KEYS: [newKey(), newKey()].join() };
    const apps = await Promise.all(
      Array.from({ length: replicas }, () => startApp(t, { demo: false, databaseUrl, env })),
    );
    const [{ ctx }] = apps as [(typeof apps)[0]];
    const advance = (seconds: number): void => apps.forEach((app) => app.advance(seconds));
    const work = await arrange(t, { ctx, mails, resolvers, advance });
    const done = await Promise.all(
      apps.flatMap((app) => Array.from({ length: runs }, () => app.runJob(job))),
    );
    t.same(await work.effects(), work.expected);
    if (work.done !== undefined)
      t.equal(
        done.reduce((sum, one) => sum + one, 0),
        work.done,
        'and counted once',
      );
    const again = await Promise.all(apps.map((app) => app.runJob(job)));
    t.same(await work.effects(), work.expected, 'nor is anything done again');
    t.ok(again.every((one) => one === 0));
    const problems = apps.flatMap(({ lines }) => lines.filter((line) => /"level":[56]0/.test(line)));
    t.same(problems, []);
  });
}

t.test('there is no job that is not shown to be safe on several replicas', async (t) => {
  const { jobs } = await startApp(t, { demo: false });
  t.same(Object.keys(dueWork).sort(), [...jobs].sort());
});
