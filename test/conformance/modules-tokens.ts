/** Basic and Form Post: what is redeemed at the token endpoint, by whom, and how often. */
import * as oidc from 'openid-client';
import { basic, post, userinfo } from '../provider/requests.ts';
import type { Answer } from '../support/agent.ts';
import { checkIdToken, checkTokenError, checkTokens } from './checks.ts';
import type { SuiteClient } from './suite-client.ts';
import { type Completed, completeFlow } from './flow.ts';
import type { Module, Suite } from './suite.ts';

function ask({ registered, issuer }: SuiteClient, form: Readonly<Record<string, string>>): Promise<Answer> {
  return post(issuer, '/token', form, basic(registered.clientId, registered.secret));
}

/** The code of a flow once more, as it was redeemed the first time. */
function redeemAgain({ client }: Suite, { arrival }: Completed): Promise<Answer> {
  return ask(client, {
    grant_type: 'authorization_code',
    code: arrival.callback?.params.get('code') ?? '',
    redirect_uri: client.registered.redirectUri,
  });
}

const codeReuse: Module = async (t, suite) => {
  const completed = await completeFlow(t, suite);
  checkTokenError(t, await redeemAgain(suite, completed), 'invalid_grant');
};

/** RFC 6749 §4.1.2: the access token is dead then; the suite would only warn. */
const codeReuse30Seconds: Module = async (t, suite) => {
  const completed = await completeFlow(t, suite);
  await suite.later(30, async () => {
    const { access_token: accessToken } = completed.tokens;
    t.equal((await userinfo(suite.issuer, accessToken)).status, 200, 'it is alive until then');
    checkTokenError(t, await redeemAgain(suite, completed), 'invalid_grant');
    t.equal((await userinfo(suite.issuer, accessToken)).status, 401);
  });
};

const clientSecretPost: Module = async (t, suite) => {
  const methods = suite.metadata['token_endpoint_auth_methods_supported'] as string[];
  t.ok(methods.includes('client_secret_post'));
  await completeFlow(t, suite, { client: suite.posting });
};

/** Each client refreshes its own; the token of one is worth nothing to the other. */
const refreshToken: Module = async (t, suite) => {
  const { client, client2, metadata } = suite;
  t.ok((metadata['grant_types_supported'] as string[]).includes('refresh_token'));
  let ofClient2 = '';
  for (const own of [client, client2]) {
    const first = await completeFlow(t, suite, { client: own });
    const token = first.tokens.refresh_token ?? '';
    t.not(token, '', 'there is a refresh token');
    await nextSecond(first.claims.iat);
    const configuration = await own.configuration();
    const scope = own === client ? { scope: 'openid' } : undefined;
    const refreshed = await oidc.refreshTokenGrant(configuration, token, scope);
    checkTokens(t, refreshed);
    t.not(refreshed.access_token, first.tokens.access_token);
    const { id_token: idToken, access_token: accessToken } = refreshed;
    const nonce = first.arrival.asked.nonce;
    const claims = await checkIdToken(t, suite, { idToken, accessToken, nonce, client: own });
    for (const name of ['iss', 'sub', 'aud', 'auth_time', 'azp', 'sid'])
      t.same(claims[name], first.claims[name], `${name} has not changed`);
    t.ok((claims.iat ?? 0) > (first.claims.iat ?? 0), 'iat says when the new one was issued');
    await oidc.fetchUserInfo(configuration, accessToken, claims.sub ?? '');
    ofClient2 = refreshed.refresh_token ?? token;
  }
  const form = { grant_type: 'refresh_token', refresh_token: ofClient2, scope: 'openid' };
  checkTokenError(t, await ask(client, form), 'invalid_grant');
};

/** Until a token that is issued now says another `iat`: a second at most. */
async function nextSecond(iat: number | undefined): Promise<void> {
  while (Math.floor(Date.now() / 1000) <= (iat ?? 0)) await new Promise((resolve) => setTimeout(resolve, 20));
}

export const tokenModules = {
  'oidcc-codereuse': codeReuse,
  'oidcc-codereuse-30seconds': codeReuse30Seconds,
  'oidcc-server-client-secret-post': clientSecretPost,
  'oidcc-refresh-token': refreshToken,
} satisfies Readonly<Record<string, Module>>;
