/** Company sign-ins on two replicas: the way back may end at the other one, and a response counts once on both. */
import t from 'tap';
import { createDatabase } from '../support/database.ts';
import { Agent } from '../support/agent.ts';
import { leaveForCompany, comeHome } from '../support/company.ts';
import { makeCompany, requestIdOf, respond } from '../support/company-account.ts';
import { demoClient, RelyingParty, toStep } from '../support/relying-party.ts';
import { startReplicas } from '../support/replicas.ts';

t.test('two replicas', async (t) => {
  const { issuer, origins, ctx } = await startReplicas(t, { count: 2, databaseUrl: await createDatabase(t) });
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const company = await makeCompany({ ctx, issuer }, { domain: 'wayne.test' });
  const leave = async (email: string) => {
    const browser = new Agent(issuer);
    const started = await assist.start();
    const left = await leaveForCompany(browser, await toStep(browser, started.url), email);
    return { browser, started, requestId: requestIdOf(left.json().location as string) };
  };
  /** Straight to one replica, as the identity provider's post through the browser may be sent there. */
  const postAt = (origin: string, samlResponse: string) =>
    fetch(`${origin}/federation/${company.connectionId}/acs`, {
      method: 'POST',
      redirect: 'manual',
      headers: { accept: 'application/json', 'sec-fetch-site': 'cross-site' },
      body: new URLSearchParams({ SAMLResponse: samlResponse }),
    });

  t.test('every step of the way at a replica of its own', async (t) => {
    const { browser, started, requestId } = await leave('bruce@wayne.test');
    const [, second = ''] = origins;
    const posted = await postAt(second, await respond(company, requestId, { email: 'bruce@wayne.test' }));
    t.equal(posted.status, 303);
    const done = await comeHome(browser, await browser.get(posted.headers.get('location') ?? ''));
    t.match(done.json(), { step: 'done' });
    const callback = await browser.follow(done.json().location);
    t.match((await assist.finish(callback.location, started)).claims(), { amr: ['fed'] });
  });

  t.test(
    'S32 one response posted twenty times at once: one user, one arrival with an identity, one session',
    async (t) => {
      const { browser, started, requestId } = await leave('once@wayne.test');
      const response = await respond(company, requestId, { email: 'once@wayne.test' });
      const posted = await Promise.all(
        Array.from({ length: 20 }, (_, index) => postAt(origins[index % 2] ?? '', response)),
      );
      t.ok(posted.every(({ status }) => status === 303 || status === 403 || status === 429));
      const used = await ctx.db.selectFrom('usedAssertions').select('assertionHash').execute();
      t.equal(used.length, 2, 'that of Bruce and this one');
      const homes = [];
      for (const answer of posted.filter(({ status }) => status === 303)) {
        const home = await comeHome(browser, await browser.get(answer.headers.get('location') ?? ''));
        if (home.status === 200 && home.json().step === 'done') homes.push(home);
      }
      t.ok(homes.length >= 1);
      const callback = await browser.follow(homes[0]?.json().location);
      t.ok(await assist.finish(callback.location, started));
      const users = await ctx.db
        .selectFrom('users')
        .select('id')
        .where('email', '=', 'once@wayne.test')
        .execute();
      t.equal(users.length, 1);
      const sessions = await ctx.db
        .selectFrom('sessions')
        .select('uid')
        .where('userId', '=', users[0]?.id ?? null)
        .execute();
      t.equal(sessions.length, 1);
    },
  );

  t.test('the first sign-in of one person in twenty browsers at once makes one user', async (t) => {
    const racers = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const left = await leave('many@wayne.test');
        const response = await respond(company, left.requestId, { email: 'many@wayne.test' });
        return { ...left, response };
      }),
    );
    const homes = await Promise.all(
      racers.map(async ({ browser, response }, index) => {
        const posted = await postAt(origins[index % 2] ?? '', response);
        return comeHome(browser, await browser.get(posted.headers.get('location') ?? ''));
      }),
    );
    for (const home of homes) t.match(home.json(), { step: 'done' });
    const made = await ctx.db
      .selectFrom('users')
      .leftJoin('identities', 'identities.userId', 'users.id')
      .select(['users.id', 'identities.id as identity'])
      .where('users.email', '=', 'many@wayne.test')
      .execute();
    t.equal(made.length, 1);
  });
});
