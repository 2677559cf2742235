/** The invariants hold of a world in which nothing went wrong, and each of these breaches is found. */
import { sql } from 'kysely';
import t from 'tap';
import { demoParty } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { brokenInvariants } from '../support/invariants.ts';
import { signIn } from '../support/relying-party.ts';

/** What no operation of ours does, and the invariant that it breaks. */
const breaches: Readonly<Record<string, string>> = {
  'I2 an invitation is accepted where its event says so': `update invitations set state = 'accepted', closed_at = now()`,
  'I2 password_reset.completed happens once for each request_id': `
    insert into events (id, type, occurred_at, details)
      select 'evt_breach_' || n, 'password_reset.completed', now(), '{"request_id": "prr_1"}' from generate_series(1, 2) n`,
  'I3 no more seats are used and kept than were bought': `update subscriptions set seats = 0`,
  'I6 people come with the event of their making': `
    insert into users (id, email, state, created_at, updated_at)
      values ('usr_breach', 'breach@acme.test', 'active', now(), now())`,
  'I6 an invitation that was recorded is there': `
    insert into events (id, type, occurred_at, details)
      values ('evt_breach', 'invitation.created', now(), '{"invitation_id": "inv_none"}')`,
  'I7 who is switched off has no session and no grant': `update users set state = 'deactivated' where email = 'alan@acme.test'`,
  'I7 what ended with its grant is gone': `delete from grants`,
};

t.test('the invariants', async (t) => {
  const { ctx, issuer } = await startApp(t);
  await signIn(new Agent(issuer), demoParty(issuer, 'assist'), 'alan@acme.test');
  t.same(await brokenInvariants(ctx.db), {}, 'hold of the demo world, with somebody in it');
  for (const [name, statement] of Object.entries(breaches))
    await t.test(`find what breaks: ${name}`, async (t) => {
      const undone = new Error('undone');
      const broken = ctx.db.transaction().execute(async (tx) => {
        await sql.raw(statement).execute(tx);
        t.ok(name in (await brokenInvariants(tx)), 'it is found');
        throw undone;
      });
      await t.rejects(broken, undone);
    });
});
