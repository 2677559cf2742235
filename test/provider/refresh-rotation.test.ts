/** RFC 9700 §4.14 and docs/adr/0003: whoever has nothing but its refresh token gets another at each use. */
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { sha256, signIn } from '../support/relying-party.ts';
import { countEvents, demoBasic, demoParty, post, refreshForm, userinfo } from './requests.ts';

t.test('refreshing', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist');
  const confidential = demoParty(issuer, 'confidential');

  /** A refresh token of demo-assist, from a sign-in of its own. */
  const fresh = async (): Promise<string> => {
    const { tokens } = await signIn(new Agent(issuer), assist, 'alan@acme.test');
    return tokens.refresh_token ?? '';
  };
  const refresh = (token: string, extra: Readonly<Record<string, string>> = {}) =>
    post(issuer, '/token', { ...refreshForm(token), ...extra });
  const successorOf = async (token: string): Promise<string> => {
    const answer = await refresh(token);
    if (answer.status !== 200) throw new Error(`the refresh was refused: ${answer.text}`);
    return answer.json().refresh_token as string;
  };
  const familyOf = (token: string) =>
    ctx.db
      .selectFrom('refreshFamilies')
      .select(['generation', 'grantId', 'currentHash'])
      .where('familyHash', '=', sha256(token.slice(0, 22)))
      .execute();

  t.test('a public client gets another token, and fresh tokens beside it', async (t) => {
    const { tokens } = await signIn(new Agent(issuer), assist, 'alan@acme.test');
    const answer = await refresh(tokens.refresh_token ?? '');
    t.equal(answer.status, 200);
    t.equal(answer.headers.get('cache-control'), 'no-store');
    const next = answer.json();
    t.not(next.refresh_token, tokens.refresh_token);
    t.not(next.access_token, tokens.access_token);
    t.match(next, { token_type: 'Bearer', expires_in: 600, scope: 'openid profile email' });
    t.equal((await userinfo(issuer, next.access_token)).status, 200);
    const again = await assist.refresh(next.refresh_token as string);
    t.match(again.claims(), { sub: tokens.claims()?.sub, sid: tokens.claims()?.['sid'], amr: ['pwd'] });
    t.equal(again.claims()?.auth_time, tokens.claims()?.auth_time, 'signed in when they signed in');
  });

  t.test('five rotations are one row, and no token is in it', async (t) => {
    let token = await fresh();
    const seen = [token];
    for (let rotation = 0; rotation < 5; rotation += 1) {
      token = await successorOf(token);
      seen.push(token);
    }
    t.equal(new Set(seen).size, 6);
    const rows = await familyOf(token);
    t.equal(rows.length, 1);
    t.equal(rows[0]?.generation, 6);
    t.same(rows[0]?.currentHash, sha256(token));
    const grants = await ctx.db
      .selectFrom('refreshFamilies')
      .select(['familyHash', 'payload'])
      .where('grantId', '=', rows[0]?.grantId ?? '')
      .execute();
    t.equal(grants.length, 1, 'and no other of the grant');
    const stored = JSON.stringify(grants[0]?.payload);
    t.notOk(seen.some((secret) => stored.includes(secret)));
  });

  t.test('the same token within ten seconds has the same successor', async (t) => {
    const token = await fresh();
    const successor = await successorOf(token);
    app.advance(9);
    t.equal(await successorOf(token), successor);
    t.equal((await refresh(successor)).status, 200, 'which works');
    t.equal((await familyOf(token))[0]?.generation, 3, 'a repetition is no generation');
  });

  t.test('after eleven seconds it is a theft, and the family ends', async (t) => {
    const before = await countEvents(ctx, 'grant.revoked_on_reuse');
    const token = await fresh();
    const { refresh_token: successor, access_token: access } = (await refresh(token)).json();
    app.advance(11);
    const replayed = await refresh(token);
    t.equal(replayed.status, 400);
    t.equal(replayed.json().error, 'invalid_grant');
    t.equal(replayed.json().error_description, 'grant request is invalid', 'a thief learns nothing');
    t.equal(await countEvents(ctx, 'grant.revoked_on_reuse'), before + 1);
    t.same(await familyOf(token), []);
    t.equal((await refresh(successor)).status, 400, 'the successor is dead');
    t.equal((await userinfo(issuer, access)).status, 401, 'and so is the access token');
    await refresh(token);
    t.equal(await countEvents(ctx, 'grant.revoked_on_reuse'), before + 1, 'told once');
  });

  t.test('a token two generations old is a theft at once', async (t) => {
    const before = await countEvents(ctx, 'grant.revoked_on_reuse');
    const token = await fresh();
    const third = await successorOf(await successorOf(token));
    t.equal((await refresh(token)).json().error, 'invalid_grant');
    t.equal(await countEvents(ctx, 'grant.revoked_on_reuse'), before + 1);
    t.equal((await refresh(third)).json().error, 'invalid_grant', 'the family has ended');
  });

  t.test('a token of no family ends nothing, a made-up one of a family ends that', async (t) => {
    const token = await fresh();
    const before = await countEvents(ctx, 'grant.revoked_on_reuse');
    for (const other of [
      '',
      'a',
      'a'.repeat(64),
      'a'.repeat(65),
      `${token}aa`,
      token.slice(0, -1),
      `${token} `,
    ]) {
      t.equal((await refresh(other)).status, 400, other.slice(-20));
    }
    t.equal(await countEvents(ctx, 'grant.revoked_on_reuse'), before);
    const next = await successorOf(token);
    const madeUp = `${next.slice(0, 22)}${'a'.repeat(43)}`;
    t.equal((await refresh(madeUp)).status, 400);
    t.equal(await countEvents(ctx, 'grant.revoked_on_reuse'), before + 1);
    t.equal((await refresh(next)).status, 400);
  });

  t.test('another client can neither use a token nor kill its family', async (t) => {
    const token = await fresh();
    const successor = await successorOf(token);
    app.advance(11);
    for (const stolen of [token, successor]) {
      const asMeet = await post(issuer, '/token', refreshForm(stolen, 'demo-meet'));
      t.match(asMeet.json(), { error: 'invalid_grant' });
      const asConfidential = await post(
        issuer,
        '/token',
        refreshForm(stolen, 'demo-confidential'),
        demoBasic('confidential'),
      );
      t.match(asConfidential.json(), { error: 'invalid_grant' });
    }
    t.equal((await refresh(successor)).status, 200);
  });

  t.test('a confidential client keeps its token', async (t) => {
    const { tokens } = await signIn(new Agent(issuer), confidential, 'alan@acme.test');
    for (let use = 0; use < 3; use += 1) {
      const again = await confidential.refresh(tokens.refresh_token ?? '');
      t.equal(again.refresh_token, tokens.refresh_token);
      t.not(again.access_token, tokens.access_token);
      app.advance(60);
    }
    t.equal((await familyOf(tokens.refresh_token ?? ''))[0]?.generation, 1);
    const form = refreshForm(tokens.refresh_token, 'demo-confidential');
    t.equal((await post(issuer, '/token', form)).status, 401, 'and must prove itself');
  });

  t.test('a refresh may ask for less and not for more', async (t) => {
    const token = await fresh();
    const narrow = await refresh(token, { scope: 'openid' });
    t.equal(narrow.status, 200);
    t.equal(narrow.json().scope, 'openid');
    const claims = (await userinfo(issuer, narrow.json().access_token)).json();
    t.notOk('email' in claims, 'less is less');
    const next = narrow.json().refresh_token as string;
    for (const scope of ['openid offline_access', 'openid assist:read', 'openid admin:users:write']) {
      const answer = await refresh(next, { scope });
      t.equal(answer.status, 400, scope);
      t.equal(answer.json().error, 'invalid_scope', scope);
    }
    app.advance(11);
    const full = await refresh(next);
    t.equal(full.status, 200, 'a refusal has not rotated');
    t.equal(full.json().scope, 'openid profile email', 'the grant is as wide as before');
  });

  t.test('a token that is wrong in one parameter is not used up', async (t) => {
    const token = await fresh();
    const wrong = await refresh(token, { resource: 'https://api.meet.test' });
    t.match(wrong.json(), { error: 'invalid_target' });
    app.advance(11);
    t.equal((await refresh(token)).status, 200);
  });

  t.test('a client without a right to it gets no refresh token', async (t) => {
    const thirdParty = demoParty(issuer, 'third-party');
    const browser = new Agent(issuer);
    await signIn(browser, assist, 'alan@acme.test');
    const started = await thirdParty.start();
    const consent = (await browser.follow(started.url.href)).json();
    t.equal(consent.step, 'consent');
    const done = await browser.post(consent.actions.consent.href, { json: { granted: true } });
    const tokens = await thirdParty.finish(
      (await browser.follow((done.json() as { location: string }).location)).location,
      started,
    );
    t.equal(tokens.refresh_token, undefined);
  });
});
