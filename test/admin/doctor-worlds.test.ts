/** Dozens of worlds at random: what the login doctor foretells is what a real sign-in then comes to, by every way. */
import { randomInt } from 'node:crypto';
import t from 'tap';
import { diagnoseSignIn } from '../../src/core/doctor/doctor.ts';
import { makeKey } from '../../src/core/connections/connections.ts';
import { hashPassword } from '../../src/core/credentials/credentials.ts';
import { demoPassword } from '../../src/demo/world.ts';
import { startApp } from '../support/app.ts';
import { demoConnection } from '../support/demo-company.ts';
import { makeWorld } from '../support/generated.ts';
import { endingOf, tryCompany, tryPassword, type Try } from '../support/walks.ts';
import { seeded } from '../support/worlds.ts';

const worlds = 50;

t.test('whatever the world, the doctor and the sign-in say the same', async (t) => {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
  t.comment(`SEED=${seed}`);
  const app = await startApp(t);
  const { ctx } = app;
  const product = ctx.db.selectFrom('products').select('id').where('slug', '=', 'assist');
  const prepared = {
    random: seeded(seed),
    passwordHash: await hashPassword(ctx, demoPassword),
    key: await makeKey('generated worlds', ctx.now()),
    model: await demoConnection(ctx, 'saml'),
    product: (await product.executeTakeFirstOrThrow()).id,
  };
  const diagnose = ({ email, client, account }: Try) =>
    diagnoseSignIn(ctx.db, {
      email,
      clientId: `demo-${client}`,
      account,
      config: ctx.config,
      now: ctx.now(),
    });
  const seen = new Set<string>();
  for (let world = 0; world < worlds; world += 1) {
    const asked = await makeWorld(ctx, prepared, `w${world}`);
    // the second time whoever came by the company is known there
    for (const time of ['first', 'second']) {
      const told = await diagnose(asked);
      // the password first: who came by the company may be somebody else afterwards
      const ways = [...told.ways].sort((a) => (a.way.kind === 'password' ? -1 : 1));
      for (const verdict of ways) {
        const { kind } = verdict.way;
        const came = kind === 'company' ? await tryCompany(app, asked) : await tryPassword(app, asked);
        const what = `SEED=${seed}: world ${world}, the ${time} time by ${kind}: ${JSON.stringify(asked)}`;
        const isSame = t.strictSame(came, endingOf(verdict), what);
        seen.add(`${kind} ${came.outcome} ${came.code ?? ''}`);
        if (!isSame) return;
      }
      const failed = told.checks.find(({ status }) => status === 'failed');
      const isIn = ['allowed', 'choose_account'].includes(told.verdict.outcome);
      t.equal(failed === undefined, isIn, 'a check fails if and only if they do not get in');
      t.equal(failed?.name, told.firstFailure);
      // one network may only ask so often where addresses lead
      app.advance(10);
    }
  }
  t.comment([...seen].sort().join('\n'));
  t.ok(seen.size >= 10, 'the worlds differ');
});
