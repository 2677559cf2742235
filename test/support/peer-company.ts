/** Companies whose identity provider is a real one: what both sides know of each other, they have read in metadata. */
import type { Test } from 'tap';
import { parseSamlMetadata } from '../../src/federation/saml/saml.ts';
import { Agent, type Answer } from './agent.ts';
import type { TestApp } from './app.ts';
import { leaveForCompany } from './company.ts';
import { type Company, type CompanyOptions, makeCompany } from './company-account.ts';
import { demoClient, RelyingParty, type Started, toStep } from './relying-party.ts';

/** A company with a connection that is made of its identity provider's metadata. */
export async function makePeerCompany(
  app: TestApp,
  metadata: string,
  { settings, binding, ...options }: CompanyOptions,
): Promise<Company> {
  const now = app.ctx.now();
  const { entityId, published } = parseSamlMetadata(metadata, { now, allowHttp: true });
  return makeCompany(app, {
    ...options,
    published: { ...published, ...(binding && { binding }) },
    settings: { entityId, ...settings },
  });
}

/** What anybody may read of us, for this connection. */
export async function readOurMetadata({ to }: Company): Promise<string> {
  const answer = await fetch(to.entityId);
  if (!answer.ok) throw new Error(`our metadata: ${answer.status}`);
  return answer.text();
}

/** A sign-in at a client: the browser, what the client remembers of it, and where it stands. */
export interface Journey {
  readonly browser: Agent;
  readonly started: Started;
  readonly home: Answer;
}

/** From the client to the identity provider's door. */
export async function leaveForPeer(
  { issuer }: TestApp,
  email: string,
  extra: Readonly<Record<string, string>> = {},
) {
  const browser = new Agent(issuer);
  const started = await clientOf(issuer).start(extra);
  const left = await leaveForCompany(browser, await toStep(browser, started.url), email);
  return { browser, started, location: left.json().location as string };
}

/** Starts at the client with a browser that comes from the identity provider. */
export async function startAtClient({ issuer }: TestApp, browser: Agent): Promise<Journey> {
  const started = await clientOf(issuer).start();
  return { browser, started, home: await browser.follow(started.url.href) };
}

/** Ends at the client with tokens: what they say. */
export async function whoCame({ issuer }: TestApp, { browser, started, home }: Journey) {
  const back = await browser.follow((home.json() as { location: string }).location);
  const tokens = await clientOf(issuer).finish(back.location, started);
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const userinfo = (await browser.get('/userinfo', { headers })).json() as { email?: string };
  return { ...tokens.claims(), email: userinfo.email };
}

function clientOf(issuer: string): RelyingParty {
  return new RelyingParty(issuer, demoClient(issuer, 'assist'));
}

interface Refused {
  readonly company: Company;
  readonly home: Answer;
  readonly code: string;
  readonly stage?: 'response' | 'match';
}

/** Nobody is in, the person is told nothing, and the account's admin why. */
export async function isRefused(t: Test, app: TestApp, refused: Refused): Promise<void> {
  const { company, home, code, stage = 'response' } = refused;
  t.match(home.json(), { step: 'company', problem: { code: 'company_sign_in_failed' } });
  t.match(await latestAttempt(app, company), { stage, outcome: 'refused', code, userId: null });
}

/** How the last sign-in by this connection went. */
export async function latestAttempt({ ctx }: TestApp, { connectionId }: Company) {
  return ctx.db
    .selectFrom('connectionAttempts')
    .select(['stage', 'outcome', 'code', 'userId'])
    .where('connectionId', '=', connectionId)
    .orderBy('startedAt', 'desc')
    .executeTakeFirst();
}
