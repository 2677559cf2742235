/** Invariant 2 on two processes and one PostgreSQL: whatever is for one use succeeds once, and no fault answers 5xx. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { announceClientChange } from '../../src/core/clients/clients.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { createDatabase } from '../support/database.ts';
import { makeClient } from '../support/make.ts';
import {
  callbackParams,
  demoClient,
  RelyingParty,
  sha256,
  signIn,
  submitPassword,
  toStep,
} from '../support/relying-party.ts';
import { introspect } from '../provider/requests.ts';
import { createEmptyDatabase, startReplicas } from '../support/replicas.ts';

const racers = 50;

t.test(
  'replicas that start at once on an empty database agree on one schema and one set of keys',
  async (t) => {
    const { ctx, origins } = await startReplicas(t, {
      count: 3,
      databaseUrl: await createEmptyDatabase(t),
      seed: false,
    });
    const keys = await ctx.db.selectFrom('signingKeys').select('alg').orderBy('alg').execute();
    t.same(keys, [{ alg: 'ES256' }, { alg: 'RS256' }]);
    const published = await Promise.all(
      origins.map(async (origin) => (await fetch(`${origin}/jwks`)).text()),
    );
    t.equal(new Set(published).size, 1);
  },
);

t.test('two replicas behind a balancer', async (t) => {
  const { issuer, origins, ctx, output } = await startReplicas(t, {
    count: 2,
    databaseUrl: await createDatabase(t),
  });
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));

  /** Sends the same request from all racers at once, to the replicas in turn. */
  const race = (send: (origin: string, index: number) => Promise<Answer>): Promise<Answer[]> =>
    Promise.all(
      Array.from({ length: racers }, (_, index) => send(origins[index % origins.length] ?? issuer, index)),
    );
  const post = (origin: string, path: string, form: Record<string, string>): Promise<Answer> =>
    new Agent(origin).send(path, { method: 'POST', form }); // a client, not a page: no Origin
  const winners = (answers: readonly Answer[]): Answer[] => answers.filter(({ status }) => status === 200);
  const noFaults = (answers: readonly Answer[]): boolean => answers.every(({ status }) => status < 500);

  t.test('of one raced code at most one redemption succeeds, and nothing of it stays alive', async (t) => {
    for (let round = 0; round < 3; round += 1) {
      const browser = new Agent(issuer);
      await signIn(browser, assist, 'alan@acme.test');
      const again = await assist.start(round === 0 ? {} : { resource: 'https://api.assist.test' });
      const code = callbackParams(await browser.follow(again.url.href)).get('code') ?? '';
      const { grantId } = await ctx.db
        .selectFrom('artifacts')
        .select('grantId')
        .where('idHash', '=', sha256(code))
        .executeTakeFirstOrThrow();
      const form = {
        grant_type: 'authorization_code',
        client_id: 'demo-assist',
        code,
        code_verifier: again.codeVerifier,
        redirect_uri: assist.client.redirectUri,
      };
      const answers = await race((origin) => post(origin, '/token', form));
      t.ok(noFaults(answers), 'no 5xx');
      const won = winners(answers);
      t.ok(won.length <= 1, `${won.length} succeeded`);
      t.ok(
        answers
          .filter((answer) => answer.status === 400)
          .every((answer) => answer.json().error === 'invalid_grant'),
      );
      for (const table of ['grants', 'artifacts', 'refreshFamilies'] as const) {
        const column = table === 'grants' ? 'id' : 'grantId';
        const left = await ctx.db.selectFrom(table).select('expiresAt').where(column, '=', grantId).execute();
        t.same(left, [], `nothing is left in ${table}`);
      }
      for (const { access_token: access, refresh_token: refresh } of won.map((answer) => answer.json())) {
        const userinfo = await fetch(`${issuer}/userinfo`, {
          headers: { authorization: `Bearer ${access}` },
        });
        t.equal(userinfo.status, 401, 'the access token is dead');
        for (const origin of origins)
          t.same(await introspect(origin, access), { active: false }, 'and so say both replicas');
        const refreshed = await post(issuer, '/token', {
          grant_type: 'refresh_token',
          client_id: 'demo-assist',
          refresh_token: refresh,
        });
        t.equal(refreshed.status, 400, 'the refresh token is dead');
      }
    }
  });

  t.test('one pushed request becomes at most one code', async (t) => {
    const browser = new Agent(issuer);
    await signIn(browser, assist, 'alan@acme.test');
    const started = await assist.start();
    const pushed = await post(issuer, '/par', Object.fromEntries(started.url.searchParams));
    t.equal(pushed.status, 201);
    const query = new URLSearchParams({ client_id: 'demo-assist', request_uri: pushed.json().request_uri });
    const answers = await race((origin) => {
      const racer = new Agent(origin);
      racer.cookies = browser.cookies;
      return racer.get(`/authorize?${query.toString()}`);
    });
    t.ok(noFaults(answers), 'no 5xx');
    const codes = answers.filter((answer) => callbackParams(answer).has('code'));
    t.ok(codes.length <= 1, `${codes.length} codes`);
    for (const answer of codes)
      t.ok(await assist.finish(answer.location, started), 'which is worth something');
  });

  t.test('one client assertion is accepted once', async (t) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await makeClient(ctx, {
      clientId: 'assertion-client',
      name: 'Assertion client',
      firstParty: true,
      applicationType: 'web',
      authMethod: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] },
      grantTypes: ['client_credentials'],
      resources: ['https://api.assist.test'],
      scopes: ['assist:read'],
    });
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('assertion-client')
      .setSubject('assertion-client')
      .setAudience(issuer)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(privateKey);
    const form = {
      grant_type: 'client_credentials',
      resource: 'https://api.assist.test',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    };
    const answers = await race((origin) => post(origin, '/token', form));
    t.equal(winners(answers).length, 1);
    const losers = answers.filter(({ status }) => status !== 200);
    t.ok(losers.every((answer) => answer.status === 401 && answer.json().error === 'invalid_client'));
  });

  t.test('one public refresh token has one successor, and is a theft eleven seconds later', async (t) => {
    const { tokens } = await signIn(new Agent(issuer), assist, 'alan@acme.test');
    const form = {
      grant_type: 'refresh_token',
      client_id: 'demo-assist',
      refresh_token: tokens.refresh_token ?? '',
    };
    const answers = await race((origin) => post(origin, '/token', form));
    t.ok(noFaults(answers), 'no 5xx');
    const won = winners(answers);
    t.equal(won.length, racers, 'two tabs never sign a person out');
    const successors = new Set(won.map((answer) => answer.json().refresh_token as string));
    t.equal(successors.size, 1, 'never a second lineage');
    const [successor = ''] = successors;
    t.equal(
      (await post(issuer, '/token', { ...form, refresh_token: successor })).status,
      200,
      'the successor works',
    );

    // two rotations later the first token is of no generation that is forgiven
    const replayed = await post(issuer, '/token', form);
    t.match(replayed.json(), { error: 'invalid_grant' });
    t.equal(
      (await post(issuer, '/token', { ...form, refresh_token: successor })).status,
      400,
      'the family has ended',
    );
  });

  t.test('the grace of a rotated token ends with its ten seconds', async (t) => {
    const { tokens } = await signIn(new Agent(issuer), assist, 'alan@acme.test');
    const form = {
      grant_type: 'refresh_token',
      client_id: 'demo-assist',
      refresh_token: tokens.refresh_token ?? '',
    };
    const rotated = await post(issuer, '/token', form);
    // eleven seconds pass for the family
    const past = new Date(Date.now() - 1000);
    await ctx.db
      .updateTable('refreshFamilies')
      .set({ previousUntil: past })
      .where('previousUntil', 'is not', null)
      .execute();
    t.equal((await post(issuer, '/token', form)).status, 400);
    const successor = (rotated.json() as { refresh_token: string }).refresh_token;
    t.equal(
      (await post(issuer, '/token', { ...form, refresh_token: successor })).status,
      400,
      'the family has ended',
    );
    const events = await ctx.db
      .selectFrom('events')
      .select('type')
      .where('type', '=', 'grant.revoked_on_reuse')
      .execute();
    t.ok(events.length > 0, 'and it is on the audit trail');
  });

  t.test('five clients ask silently on one session at once, and all of them are let in', async (t) => {
    const clients = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const clientId = `portal-${index}`;
        const redirectUri = `${issuer}/demo/${clientId}/callback`;
        await makeClient(ctx, {
          clientId,
          name: clientId,
          firstParty: true,
          applicationType: 'web',
          authMethod: 'none',
          grantTypes: ['authorization_code', 'refresh_token'],
          redirectUris: [redirectUri],
        });
        return new RelyingParty(issuer, { clientId, redirectUri });
      }),
    );
    for (let round = 0; round < 3; round += 1) {
      const browser = new Agent(issuer);
      await signIn(browser, assist, 'alan@acme.test');
      const { cookies } = browser;
      const tokens = await Promise.all(
        clients.map(async (party) => {
          const tab = new Agent(issuer);
          tab.cookies = cookies;
          const started = await party.start({ prompt: 'none' });
          const back = await tab.get(started.url.href);
          return party.finish(back.location, started);
        }),
      );
      t.equal(tokens.filter(({ refresh_token: refresh }) => refresh !== undefined).length, 5);
    }
  });

  t.test('a whole sign-in survives that each of its requests meets another replica', async (t) => {
    for (const email of ['ada@acme.test', 'alan@acme.test', 'ian@initech.test', 'multi@acme.test']) {
      const browser = new Agent(issuer);
      const started = await assist.start({ account: email.startsWith('ian') ? 'initech' : 'acme' });
      const done = await submitPassword(browser, await toStep(browser, started.url), email);
      const back = await browser.follow((done.json() as { location: string }).location);
      const tokens = await assist.finish(back.location, started);
      t.ok(tokens.claims()?.sub, email);
    }
  });

  t.test('a changed client is changed on every replica', async (t) => {
    const { url } = await assist.start();
    const statuses = () =>
      Promise.all(
        origins.map(async (origin) => (await new Agent(origin).get(`${url.pathname}${url.search}`)).status),
      );
    t.same(await statuses(), [303, 303], 'both know the redirect address');
    await inTransaction(ctx, async (tx) => {
      await tx.db
        .updateTable('clients')
        .set({ redirectUris: ['https://moved.test/callback'] })
        .where('clientId', '=', 'demo-assist')
        .execute();
      await announceClientChange(tx, 'demo-assist');
    });
    // the notification needs a moment, and a second is the promise
    const deadline = Date.now() + 1000;
    let seen = await statuses();
    while (seen.includes(303) && Date.now() < deadline) seen = await statuses();
    t.same(seen, [400, 400]);
  });

  t.test('the replicas have logged no fault and no noise', async (t) => {
    const lines = output().trim().split('\n');
    t.ok(
      lines.every((line) => line.startsWith('{"level":30')),
      lines.find((line) => !line.startsWith('{"level":30')) ?? '',
    );
  });
});
