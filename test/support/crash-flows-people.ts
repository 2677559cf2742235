/** The ways back in and the ways on: resets, invitations, links, companies and seats, while replicas die. */
import { inTransaction } from '../../src/context.ts';
import type { SocialIdentity } from '../../src/core/identities/identities.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { decidePasswordResets } from '../../src/core/password-resets/password-resets.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { open } from '../../src/kernel/seal.ts';
import { returnToSignIn } from '../../src/provider/interactions.ts';
import { Agent, type Answer } from './agent.ts';
import { leaveForCompany } from './company.ts';
import { comeHome } from './company.ts';
import { type Company, makeCompany, postResponse, requestIdOf, respond } from './company-account.ts';
import {
  countRows,
  eventsOf,
  type Flow,
  insist,
  mailsOf,
  newAddress,
  untilDone,
  type World,
} from './crash-flow.ts';
import { submitPassword, toStep } from './relying-party.ts';
import { until } from './reliability.ts';
import { askForReset, complete, mailedReset, newPassword, openLink } from './reset.ts';
import { makeSeatless } from './seat-request.ts';

export const resetFlow: Flow = {
  name: 'a password reset',
  async begin(world) {
    const person = await world.person();
    const runJob = async (): Promise<void> => {
      while ((await decidePasswordResets(world.ctx)) > 0);
    };
    const app = { ...world, runJob };
    const ask = async (): Promise<string> => {
      const answer = await insist(() => askForReset(new Agent(world.issuer), person.email));
      if (answer.status !== 202) throw new Error(answer.text);
      // a replica may be at it, too
      const isMailed = (): Promise<boolean> =>
        runJob().then(async () => (await mailsOf(world, person.email, 'password_reset')) > 0);
      await until(isMailed, { what: 'the reset is mailed' });
      return (await mailedReset(app, person.email)).token;
    };
    const token = await ask();
    const reset = async (token: string): Promise<Answer> => {
      const browser = new Agent(world.issuer);
      await insist(() => openLink(browser, token));
      return insist(() => complete(browser, { token }));
    };
    return {
      async walk() {
        const answer = await reset(token);
        if (answer.status === 200) return;
        // what has been used has been used: the new password counts, and if it does not they ask again
        const [, isIn] = await tryPassword(world, person.email, newPassword);
        if (!isIn) throw new Error(`the link is gone and the password is the old one: ${answer.text}`);
      },
      async check(t) {
        t.equal(await eventsOf(world, person, 'password.changed'), 1, 'I2, I6: changed once, with its event');
        t.equal(await mailsOf(world, person.email, 'password_changed'), 1, 'and the notice');
        t.equal((await reset(token)).status, 410, 'I2: a link is good for one password');
        const [, isIn] = await tryPassword(world, person.email, newPassword);
        t.ok(isIn, 'I1: the new password counts');
      },
    };
  },
};

async function tryPassword(world: World, email: string, password: string): Promise<[Answer, boolean]> {
  const browser = new Agent(world.issuer);
  const step = await toStep(browser, (await world.assist.start()).url);
  const answer = await submitPassword(browser, step, email, password);
  return [answer, (answer.json() as { step?: string }).step === 'done'];
}

export const invitationFlow: Flow = {
  name: 'the acceptance of an invitation',
  async begin(world) {
    const { ctx, accountId, productId } = world;
    const email = newAddress();
    const address = parseEmail(email);
    if (!address) throw new Error('not an address');
    await inTransaction(ctx, (tx) =>
      createInvitation(tx, { accountId, email: address, role: 'agent', products: [productId] }),
    );
    const mail = await ctx.db
      .selectFrom('mailOutbox')
      .select(['id', 'secretsSealed'])
      .where('recipient', '=', email)
      .executeTakeFirstOrThrow();
    const { token } = JSON.parse(
      open(ctx.config.secretKeys, mail.secretsSealed ?? '', `mail_outbox/${mail.id}`),
    ) as { token: string };
    const accept = (): Promise<Answer> =>
      new Agent(world.issuer).post('/invitations/accept', {
        json: { token, password: newPassword, name: 'Somebody New' },
      });
    return {
      async walk() {
        const answer = await insist(accept);
        if (answer.status === 200) return;
        const [, isIn] = await tryPassword(world, email, newPassword);
        if (!isIn) throw new Error(`the link is gone and nobody has joined: ${answer.text}`);
      },
      async check(t) {
        const { id } = await ctx.db
          .selectFrom('users')
          .select('id')
          .where('email', '=', address)
          .executeTakeFirstOrThrow();
        const user = { id, email };
        t.equal(await countRows(world, 'memberships', user), 1, 'I2: joined once');
        t.equal(await countRows(world, 'seats', user), 1, 'I3: one seat');
        t.equal(await eventsOf(world, user, 'invitation.accepted'), 1, 'I6');
        t.equal(await eventsOf(world, user, 'user.activated'), 1, 'I6');
        t.equal((await accept()).status, 410, 'I2: a link is good for one acceptance');
        t.ok((await tryPassword(world, email, newPassword))[1], 'I1');
      },
    };
  },
};

export const linkFlow: Flow = {
  name: 'account linking',
  async begin(world) {
    const { ctx, issuer, assist } = world;
    const person = await world.person();
    const subject = `sub-${newAddress()}`;
    const identity: SocialIdentity = {
      provider: 'google',
      issuer: 'https://accounts.google.com',
      subject,
      email: person.email,
      emailTrust: 'verified_once',
      name: 'Somebody at Google',
      attributes: {},
      amr: [],
    };
    const come = async () => {
      const browser = new Agent(issuer);
      const started = await assist.start();
      const uid = (await toStep(browser, started.url)).json().interaction as string;
      await inTransaction(ctx, (tx) => returnToSignIn(tx, uid, { at: 'returned_social', identity }));
      return { browser, started, uid, step: await insist(() => browser.get(`/sign-in/${uid}`)) };
    };
    return {
      async walk() {
        await untilDone(async () => {
          const { browser, step, started } = await come();
          let at = step;
          if (at.json().step === 'sign_in_to_link') at = await submitPassword(browser, at, person.email);
          if (at.json().step === 'confirm_link')
            at = await browser.post(at.json().actions.link.href as string, { json: { confirm: true } });
          const back = await browser.follow(at.json().location as string);
          return assist.finish(back.location, started);
        });
      },
      async check(t) {
        t.equal(await countRows(world, 'identities', person), 1, 'I2: linked once');
        t.equal(await eventsOf(world, person, 'identity.linked'), 1, 'I6');
        t.equal(await mailsOf(world, person.email, 'social_identity_linked'), 1, 'and the notice');
        t.match((await come()).step.json(), { step: 'done' }, 'I1: it leads straight in');
      },
    };
  },
};

let company: Promise<Company> | undefined;

export const companyFlow: Flow = {
  name: 'signing in by one’s company',
  async begin(world) {
    const { issuer, assist, ctx } = world;
    const { accountId, ...at } = await (company ??= makeCompany(world, {
      domain: 'wayne.test',
      seats: 100_000,
    }));
    const email = newAddress().replace('@example.test', '@wayne.test');
    const leave = async () => {
      const browser = new Agent(issuer);
      const started = await assist.start();
      const left = await leaveForCompany(browser, await toStep(browser, started.url), email);
      const requestId = requestIdOf(left.json().location as string);
      return { browser, started, response: await respond({ accountId, ...at }, requestId, { email }) };
    };
    let posted: Awaited<ReturnType<typeof leave>> | undefined;
    return {
      async walk() {
        await untilDone(async () => {
          const { browser, response, started } = (posted = await leave());
          const back = await insist(() => postResponse(browser, at, response));
          const home = await comeHome(browser, back);
          const callback = await browser.follow(home.json().location as string);
          return assist.finish(callback.location, started);
        });
      },
      async check(t) {
        const users = await ctx.db.selectFrom('users').select('id').where('email', '=', email).execute();
        t.equal(users.length, 1, 'I2: made once');
        const user = { id: users[0]?.id ?? 'usr_none', email };
        t.equal(await countRows(world, 'identities', user), 1);
        t.equal(await countRows(world, 'memberships', user), 1);
        t.equal(await countRows(world, 'seats', user), 1, 'I3');
        t.equal(await eventsOf(world, user, 'user.created'), 1, 'I6');
        t.equal(
          await eventsOf(world, user, 'user.signed_in'),
          await countRows(world, 'sessions', user),
          'I6: an event for each session',
        );
        const arrivals = () => eventsOf(world, user, 'user.signed_in');
        const before = await arrivals();
        if (!posted) throw new Error('nobody has come back');
        await comeHome(posted.browser, await postResponse(posted.browser, at, posted.response));
        t.equal(await arrivals(), before, 'I2: a response counts once');
        t.equal(await consumedDepartures(world), await usedAssertions(world), 'I2: one response a departure');
      },
    };
  },
};

async function consumedDepartures({ ctx }: World): Promise<number> {
  const query = ctx.db.selectFrom('departures').select('idHash').where('consumedAt', 'is not', null);
  return (await query.execute()).length;
}

async function usedAssertions({ ctx }: World): Promise<number> {
  return (await ctx.db.selectFrom('usedAssertions').select('assertionHash').execute()).length;
}

export const seatRequestFlow: Flow = {
  name: 'a request for a seat',
  async begin(world) {
    const { ctx, issuer, assist } = world;
    const { person, admins, accountId } = await makeSeatless(ctx);
    return {
      async walk() {
        await untilDone(async () => {
          const browser = new Agent(issuer);
          const step = await toStep(browser, (await assist.start()).url);
          const denied = await submitPassword(browser, step, person.email);
          const href = denied.json().actions?.request_seat?.href as string | undefined;
          // asked for already: the step says so
          if (href === undefined && denied.json().step === 'denied') return;
          const answer = await insist(() => browser.post(href ?? ''));
          if (![200, 409].includes(answer.status)) throw new Error(answer.text);
        });
      },
      async check(t) {
        const rows = await ctx.db
          .selectFrom('seatRequests')
          .select('id')
          .where('accountId', '=', accountId)
          .execute();
        t.equal(rows.length, 1, 'I2: asked once');
        t.equal(await eventsOf(world, person, 'seat.requested'), 1, 'I6');
        for (const { email } of admins)
          t.equal(await mailsOf(world, email, 'seat_requested'), 1, 'and the mails');
      },
    };
  },
};
