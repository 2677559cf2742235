/** RL-16: the answer to whoever comes by a mailed link is lost. They try again, and nothing is done twice. */
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { type EmailAddress, parseEmail } from '../../src/kernel/email-address.ts';
import { open } from '../../src/kernel/seal.ts';
import { demoParty } from '../provider/requests.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { watchTables } from '../support/changed-tables.ts';
import { startCutProxy } from '../support/cut-proxy.ts';
import { assertInvariants } from '../support/invariants.ts';
import { openMailbox } from '../support/mailbox.ts';
import { makeAccount, makeUser } from '../support/make.ts';
import { submitPassword, toStep } from '../support/relying-party.ts';
import { recordRoutes } from '../support/route-table.ts';
import { askForReset, mailedReset, mailsTo, newPassword, obtainReset, openLink } from '../support/reset.ts';
import { makeAsked } from '../support/seat-request.ts';

interface Case {
  /** The browser that has come by the link, or that asks for one, and what it sends. */
  readonly arrange: (app: TestApp, t: Test) => Promise<{ browser: Agent; json: object }>;
  /** What it is answered the second time, and what is done by that, by the names of tables. */
  readonly again: number;
  readonly anew?: readonly string[];
  /** Where the browser learns that it was done. */
  readonly done?: string;
}

const cases: Readonly<Record<string, Case>> = {
  // whoever sees no answer asks again; how many mails come of it is below
  '/password-resets': {
    arrange: async ({ ctx, issuer }) => {
      const { email } = await makeUser(ctx);
      return { browser: new Agent(issuer), json: { email } };
    },
    again: 202,
    anew: ['events', 'password_reset_requests', 'throttles'],
  },
  // the code stays good for its browser until the password is changed; each try is counted
  '/password-resets/code': {
    arrange: async (app) => {
      const browser = new Agent(app.issuer);
      const { email } = await makeUser(app.ctx);
      await askForReset(browser, email);
      return { browser, json: { code: (await mailedReset(app, email)).code } };
    },
    again: 200,
    anew: ['password_reset_requests', 'password_resets', 'throttles'],
  },
  '/password-resets/complete': {
    arrange: async (app) => {
      const browser = new Agent(app.issuer);
      const { email } = await makeUser(app.ctx);
      await openLink(browser, (await obtainReset(app, browser, email)).token);
      return { browser, json: { password: newPassword } };
    },
    again: 410,
    done: '/password-resets/done',
  },
  '/invitations/accept': {
    arrange: async ({ ctx, issuer }) => {
      const browser = new Agent(issuer);
      const accountId = await makeAccount(ctx);
      const email = parseEmail('invited@made.test') as EmailAddress;
      const invitation = { accountId, email, role: 'agent', products: [] } as const;
      await inTransaction(ctx, (tx) => createInvitation(tx, invitation));
      const [mail] = await mailsTo(ctx, email, 'invitation');
      const secrets = open(ctx.config.secretKeys, mail?.secretsSealed ?? '', `mail_outbox/${mail?.id}`);
      await browser.follow(`/invitations/open?token=${(JSON.parse(secrets) as { token: string }).token}`);
      return { browser, json: { password: newPassword } };
    },
    again: 410,
    done: '/invitations/done',
  },
  '/seat-requests/decide': {
    arrange: async (app, t) => {
      const browser = new Agent(app.issuer);
      const { tokens } = await makeAsked(app, await openMailbox(t, app));
      await browser.follow(`/seat-requests/open?token=${tokens[0]}`);
      return { browser, json: { decision: 'grant' } };
    },
    again: 410,
    done: '/seat-requests/done',
  },
};

t.test('the reply to whoever comes by a mailed link is lost', async (t) => {
  const routes = recordRoutes(t);
  const app = await startApp(t);
  const { ctx, issuer } = app;
  const proxy = await startCutProxy(t, { port: ctx.config.port });
  const changed = await watchTables(ctx.db);
  await t.test('each of their actions is here', async (t) => {
    const isOne = ({ method, url }: (typeof routes)[number]) =>
      method === 'POST' && /^\/(password-resets|invitations|seat-requests)/.test(url);
    t.same(
      routes
        .filter(isOne)
        .map(({ url }) => url)
        .sort(),
      Object.keys(cases).sort(),
    );
  });

  for (const [url, { arrange, again, anew = [], done }] of Object.entries(cases))
    await t.test(url, async (t) => {
      const { browser, json } = await arrange(app, t);
      const send = (origin: string): Promise<Answer> => {
        const sender = new Agent(origin);
        sender.cookies = browser.cookies;
        return sender.post(url, { json, headers: { origin: issuer } });
      };
      await changed();
      proxy.cutAfter(`POST ${url}`);
      await t.rejects(send(`http://127.0.0.1:${proxy.port}`), 'nobody is answered');
      t.match(proxy.lost, /^HTTP\/1.1 20/, 'and it was done');
      t.not((await changed()).length, 0);
      const repeated = await send(issuer);
      t.equal(repeated.status, again, repeated.text);
      t.same(await changed(), anew, 'and nothing more is done');
      if (done !== undefined)
        t.equal((await browser.get(done)).status, 200, 'the browser learns that it was');
    });
  await assertInvariants(t, ctx.db, 'of the test');
});

t.test(
  'a reset that is asked for again, because no answer came, mails one link, which works once',
  async (t) => {
    const app = await startApp(t);
    const { ctx, issuer } = app;
    const user = await makeUser(ctx);
    const browser = new Agent(issuer);
    for (let time = 0; time < 2; time += 1) await askForReset(browser, user.email);
    const { token } = await mailedReset(app, user.email);
    t.equal((await mailsTo(ctx, user.email)).length, 1, 'and mails one link');
    await openLink(browser, token);
    const complete = () => browser.post('/password-resets/complete', { json: { password: newPassword } });
    t.same([(await complete()).status, (await complete()).status], [200, 410]);
    const step = await toStep(browser, (await demoParty(issuer, 'assist').start()).url);
    t.equal((await submitPassword(browser, step, user.email, newPassword)).status, 200);
  },
);
