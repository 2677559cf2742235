/** Everything the service does for people and clients, once; what they do not finish is left standing. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from 'jose';
import { sql } from 'kysely';
import { inTransaction } from '../../src/context.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { open } from '../../src/kernel/seal.ts';
import {
  assistApi,
  demoBasic,
  demoParty,
  introspect,
  obtainCode,
  post,
  refreshForm,
  userinfo,
} from '../provider/requests.ts';
import { Agent, type Answer } from '../support/agent.ts';
import type { TestApp } from '../support/app.ts';
import { leaveForCompany, signInByCompany } from '../support/company.ts';
import { makeClient } from '../support/make.ts';
import { signIn, toStep } from '../support/relying-party.ts';
import { complete, mailsTo, obtainReset, openLink } from '../support/reset.ts';
import { act, arrive, faces, goOn, openTab, typePassword } from '../support/tab.ts';

/** Typed where the address belongs. */
export const wrongField = 'the password of a hasty person';
export const wrongPassword = 'tr0ub4dor and three of its friends';
export const invitedPassword = 'nine patient herons before dawn';

/** People sign in, are refused, choose, ask for a seat and leave; each step is also left standing once. */
export async function livePeople({ issuer }: TestApp): Promise<void> {
  const assist = demoParty(issuer, 'assist');
  for (const face of faces) {
    for (const email of ['ada@acme.test', 'alan@acme.test', 'ian@initech.test']) {
      const tab = await openTab(assist, { face });
      if (email.startsWith('ada')) await typePassword(tab, email, wrongPassword);
      await arrive(tab, await typePassword(tab, email));
    }
    await typePassword(await openTab(assist, { face }), 'nobody@nowhere.test', wrongPassword);
    await act(await openTab(assist, { face }), 'password', { email: wrongField, password: '' });
    const waiting = await openTab(assist, { face });
    await goOn(waiting, await typePassword(waiting, 'multi@acme.test'));
    const seatless = await openTab(assist, { face });
    await typePassword(seatless, 'noseat@acme.test');
    await act(seatless, 'request-seat');
    const gone = await openTab(assist, { face });
    await typePassword(gone, 'lea@lapsed.test');
    await goOn(gone, await act(gone, 'abort'));
    for (const answered of [true, false]) {
      const asked = await openTab(demoParty(issuer, 'third-party'), { face });
      const page = await goOn(asked, await typePassword(asked, 'ada@acme.test'));
      const uid = /\/sign-in\/([\w-]+)/.exec(page.url)?.[1] ?? '';
      const consent = { ...asked, uid };
      if (answered) await arrive(consent, await act(consent, 'consent', { granted: 'true' }));
    }
  }
}

/** One forgotten password is set anew, another waits for its person: the token that was mailed for it is answered. */
export async function forgetPasswords(app: TestApp): Promise<string> {
  const browser = new Agent(app.issuer);
  const { token } = await obtainReset(app, browser, 'ian@initech.test');
  await openLink(browser, token);
  const completed = await complete(browser);
  if (completed.status !== 200) throw new Error(completed.text);
  const waiting = await obtainReset(app, new Agent(app.issuer), 'greg@globex.test');
  await openLink(new Agent(app.issuer), waiting.token);
  return waiting.token;
}

/** People come by their company, in both protocols; one of them is left at the identity provider. */
export async function comeByCompany({ issuer }: TestApp): Promise<void> {
  const assist = demoParty(issuer, 'assist');
  for (const email of ['gina@globex.test', 'ian@initech.test']) {
    const browser = new Agent(issuer);
    const done = await signInByCompany(browser, await toStep(browser, (await assist.start()).url), email);
    await browser.follow((done.json() as { location: string }).location);
    const waiting = new Agent(issuer);
    await leaveForCompany(waiting, await toStep(waiting, (await assist.start()).url), email);
  }
}

/** One who was invited comes, and another link waits: the tokens that were mailed for them are answered. */
export async function acceptInvitations({ issuer, ctx }: TestApp): Promise<string[]> {
  const { id: accountId } = await ctx.db
    .selectFrom('accounts')
    .select('id')
    .where('slug', '=', 'acme')
    .executeTakeFirstOrThrow();
  const invite = async (email: string): Promise<string> => {
    const address = parseEmail(email);
    if (!address) throw new Error('not an email address');
    const invitation = { accountId, email: address, role: 'agent', products: [] } as const;
    await inTransaction(ctx, (tx) => createInvitation(tx, invitation));
    const [mail] = await mailsTo(ctx, email, 'invitation');
    const opened = open(ctx.config.secretKeys, mail?.secretsSealed ?? '', `mail_outbox/${mail?.id}`);
    return (JSON.parse(opened) as { token: string }).token;
  };
  const tokens = [await invite('new@made.test'), await invite('waiting@made.test')];
  const browser = new Agent(issuer);
  await browser.follow(`/invitations/open?token=${tokens[0] ?? ''}`);
  const accepted = await browser.post('/invitations/accept', { json: { password: invitedPassword } });
  if (accepted.status !== 200) throw new Error(accepted.text);
  await new Agent(issuer).follow(`/invitations/open?token=${tokens[1] ?? ''}`);
  return tokens;
}

/** Clients push, redeem, refresh, prove themselves by secret and by key, ask and revoke. */
export async function serveClients({ issuer, ctx }: TestApp): Promise<void> {
  const assist = demoParty(issuer, 'assist', 'openid profile assist:read');
  const { tokens, ...entered } = await enter(issuer, 'alan@acme.test');
  const { tokens: withJwt } = await signIn(new Agent(issuer), assist, 'ada@acme.test', {
    resource: assistApi,
  });
  await userinfo(issuer, tokens.access_token);
  let refreshToken = withJwt.refresh_token;
  const first = refreshToken;
  for (let turn = 0; turn < 3; turn += 1)
    refreshToken = ((await post(issuer, '/token', refreshForm(refreshToken))).json() as typeof tokens)
      .refresh_token;
  await introspect(issuer, withJwt.access_token);
  await introspect(issuer, tokens.access_token);
  await post(issuer, '/token', refreshForm(first)); // a theft
  await post(issuer, '/revoke', { token: withJwt.access_token, client_id: 'demo-assist' });

  const confidential = demoParty(issuer, 'confidential', 'openid offline_access');
  const browser = new Agent(issuer);
  for (const spent of [true, false]) {
    const { url } = await confidential.start({ prompt: 'consent', login_hint: 'alan@acme.test' });
    const pushed = await post(issuer, '/par', url.searchParams, demoBasic('confidential'));
    const query = {
      client_id: 'demo-confidential',
      request_uri: (pushed.json() as { request_uri: string }).request_uri,
    };
    if (spent) await browser.follow(`/authorize?${new URLSearchParams(query).toString()}`);
  }
  const { form } = await obtainCode(demoParty(issuer, 'confidential'), { browser: entered.browser });
  await post(issuer, '/token', form, demoBasic('confidential'));
  await post(
    issuer,
    '/token',
    { grant_type: 'client_credentials', resource: assistApi },
    demoBasic('service'),
  );
  await proveByKey({ issuer, ctx });
  await proveByDpop(issuer, entered.browser);
}

export async function enter(issuer: string, email: string) {
  const browser = new Agent(issuer);
  return { browser, ...(await signIn(browser, demoParty(issuer, 'assist'), email)) };
}

async function proveByKey({ issuer, ctx }: Pick<TestApp, 'issuer' | 'ctx'>): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const clientId = 'by-key';
  await makeClient(ctx, {
    clientId,
    name: 'By key',
    firstParty: true,
    applicationType: 'web',
    authMethod: 'private_key_jwt',
    grantTypes: ['client_credentials'],
    resources: [assistApi],
    jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] },
  });
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime('2m')
    .sign(privateKey);
  await post(issuer, '/token', {
    grant_type: 'client_credentials',
    resource: assistApi,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
}

async function proveByDpop(issuer: string, browser: Agent): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' }) as JWK;
  const proof = await new SignJWT({ jti: randomUUID(), htm: 'POST', htu: `${issuer}/token` })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .setIssuedAt()
    .sign(privateKey);
  const extra = { dpop_jkt: await calculateJwkThumbprint(jwk) };
  const { form } = await obtainCode(demoParty(issuer, 'assist'), { browser, extra });
  await post(issuer, '/token', form, { dpop: proof });
}

const tables = ['artifacts', 'grants', 'interactions', 'passwords', 'refresh_families', 'sessions', 'users'];

/** Lets every table fail once at reading and once at writing, while requests with real secrets are under way. */
export async function sufferFaults({ issuer, ctx }: TestApp): Promise<number> {
  const assist = demoParty(issuer, 'assist');
  const { browser, tokens } = await enter(issuer, 'alan@acme.test');
  let faults = 0;
  const count = ({ status }: Answer): void => void (faults += status >= 500 ? 1 : 0);
  for (const table of tables) {
    const [name, other] = [sql.ref(table), sql.ref(`${table}_gone`)];
    for (const [breaking, mending] of [
      [sql`alter table ${name} rename to ${other}`, sql`alter table ${other} rename to ${name}`],
      [
        // the server's message then shows the row that failed
        sql`alter table ${name} add constraint never check (false) not valid`,
        sql`alter table ${name} drop constraint never`,
      ],
    ] as const) {
      const tab = await openTab(assist, { face: 'application/json' });
      const { form } = await obtainCode(assist, { browser });
      await breaking.execute(ctx.db);
      count(await typePassword(tab, 'ada@acme.test'));
      count(await post(issuer, '/token', form));
      count(await post(issuer, '/token', refreshForm(tokens.refresh_token)));
      count(await userinfo(issuer, tokens.access_token));
      count(await post(issuer, '/par', (await assist.start()).url.searchParams));
      count(await browser.get((await assist.start({ prompt: 'none' })).url.href));
      await mending.execute(ctx.db);
    }
  }
  return faults;
}
