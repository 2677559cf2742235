/** The flow that most modules consist of: a code, its tokens, and userinfo, with everything that the suite checks on the way. */
import type { JWTPayload } from 'jose';
import * as oidc from 'openid-client';
import type { Test } from 'tap';
import type { Agent } from '../support/agent.ts';
import { checkClaims, checkIdToken, checkResponse, checkTokens } from './checks.ts';
import type { Arrival, Asking, SuiteClient } from './suite-client.ts';
import type { Suite } from './suite.ts';

export interface FlowOptions {
  readonly asking?: Asking;
  /** Whose cookies go along; one without any when it is not given. */
  readonly browser?: Agent;
  readonly client?: SuiteClient;
  readonly method?: 'GET' | 'POST';
  readonly checks?: oidc.AuthorizationCodeGrantChecks;
  /** Arranges the request otherwise than parameters can say. */
  readonly arrange?: (url: URL) => URL;
}

export interface Completed {
  readonly arrival: Arrival;
  readonly tokens: Awaited<ReturnType<SuiteClient['redeem']>>;
  readonly claims: JWTPayload;
  readonly userinfo: oidc.UserInfoResponse;
}

export async function completeFlow(t: Test, suite: Suite, options: FlowOptions = {}): Promise<Completed> {
  const { client = suite.client, browser = suite.browser(), asking, method, checks, arrange } = options;
  const plain = await client.ask(asking);
  const asked = arrange ? { ...plain, url: arrange(plain.url) } : plain;
  const arrival = await client.authorize(browser, asked, method);
  checkResponse(t, suite, arrival);
  const tokens = await client.redeem(arrival, checks);
  checkTokens(t, tokens);
  const { id_token: idToken, access_token: accessToken } = tokens;
  const claims = await checkIdToken(t, suite, { idToken, accessToken, nonce: asked.nonce, client });
  const userinfo = await oidc.fetchUserInfo(await client.configuration(), accessToken, claims.sub ?? '');
  checkClaims(t, userinfo);
  return { arrival, tokens, claims, userinfo };
}

/** Twice in one browser, without the person the second time: who they are and when they proved it stays the same. */
export async function completeSilently(
  t: Test,
  suite: Suite,
  { first = {}, second }: { readonly first?: Asking; readonly second: (first: Completed) => Asking },
): Promise<void> {
  const browser = suite.browser();
  const before = await completeFlow(t, suite, { browser, asking: first });
  t.ok(before.arrival.signInPage, 'the person signs in once');
  const after = await completeFlow(t, suite, { browser, asking: second(before) });
  t.equal(after.arrival.signInPage, undefined, 'and is not asked again');
  t.equal(after.claims.sub, before.claims.sub);
  t.equal(after.claims['auth_time'], before.claims['auth_time']);
}
