/** Basic and Form Post: what an authorization request may say, and in which way. */
import * as oidc from 'openid-client';
import type { Test } from 'tap';
import type { Answer } from '../support/agent.ts';
import { operatorApi } from '../support/api.ts';
import { checkError, checkPage, headerOf } from './checks.ts';
import type { Asking } from './suite-client.ts';
import { completeFlow } from './flow.ts';
import type { Module, Suite } from './suite.ts';

/** A module that says one thing more, which must not be the end of it. */
function succeedsWith(asking: Asking): Module {
  return async (t, suite) => void (await completeFlow(t, suite, { asking }));
}

function listOf({ metadata }: Suite, name: string): readonly string[] {
  return (metadata[name] ?? []) as string[];
}

const happyFlow: Module = async (t, suite) => {
  t.ok(listOf(suite, 'token_endpoint_auth_methods_supported').includes('client_secret_basic'));
  await completeFlow(t, suite);
};

const responseTypeMissing: Module = async (t, suite) => {
  const asked = await suite.client.ask({ response_type: undefined });
  const { callback, signInPage } = await suite.client.authorize(suite.browser(), asked);
  t.equal(signInPage, undefined);
  checkError(t, suite, {
    callback,
    state: asked.state,
    codes: ['invalid_request', 'unsupported_response_type'],
  });
};

const idTokenSignature: Module = async (t, suite) => {
  const { tokens } = await completeFlow(t, suite);
  const { alg, kid } = headerOf(tokens.id_token);
  t.equal(alg, 'RS256');
  const response = await fetch(String(suite.metadata['jwks_uri']));
  const { keys } = (await response.json()) as { keys: { kid: string }[] };
  t.equal(keys.filter((key) => key.kid === kid).length, 1, 'the key it names is published, once');
};

/** The suite skips it where discovery does not offer `none`: then nobody may get it either. */
const idTokenUnsigned: Module = async (t, suite) => {
  t.notOk(listOf(suite, 'id_token_signing_alg_values_supported').includes('none'));
  const operator = await operatorApi(suite.app);
  const refused = await operator.patch(`/clients/${suite.client.registered.clientId}`, {
    id_token_signed_response_alg: 'none',
  });
  t.equal(refused.status, 400);
  const { tokens } = await completeFlow(t, suite);
  t.equal(headerOf(tokens.id_token).alg, 'RS256');
};

const withoutNonce: Module = async (t, suite) => {
  const { claims } = await completeFlow(t, suite, { asking: { nonce: undefined } });
  t.notOk('nonce' in claims);
};

/** Scopes and parameters in another order. */
const alternateHappyFlow: Module = async (t, suite) => {
  const { userinfo } = await completeFlow(t, suite, { asking: { scope: 'email openid' }, arrange: reversed });
  t.match(userinfo, { email: String, email_verified: Boolean });
};

function reversed({ origin, pathname, searchParams }: URL): URL {
  const query = new URLSearchParams([...searchParams].sort().reverse());
  return new URL(`${origin}${pathname}?${query.toString()}`);
}

const registeredRedirectUri: Module = async (t, suite) => {
  const { client } = suite;
  for (const more of [`/${oidc.randomState()}`, `?${oidc.randomState()}=1`]) {
    const asked = await client.ask({ redirect_uri: `${client.registered.redirectUri}${more}` });
    const arrival = await client.authorize(suite.browser(), asked);
    checkPage(t, arrival);
    t.notOk(arrival.answer.text.includes(more), 'nor is it a link there');
  }
};

const postRequest: Module = async (t, suite) => {
  const { arrival } = await completeFlow(t, suite, { method: 'POST' });
  t.ok(arrival.signInPage);
};

const loginHint: Module = async (t, suite) => {
  const hint = `buffy@${new URL(suite.issuer).hostname}`;
  const { arrival } = await completeFlow(t, suite, { asking: { login_hint: hint } });
  t.ok(arrival.signInPage?.text.includes(`value="${hint}"`), 'it is filled in, and no more than that');
};

const uiLocales: Module = async (t, suite) => {
  const languageOf = (page: Answer | undefined) => /<html lang="([^"]+)"/.exec(page?.text ?? '')?.[1];
  const { arrival } = await completeFlow(t, suite, { asking: { ui_locales: 'se' } });
  t.equal(languageOf(arrival.signInPage), 'en', 'one that there are no texts in is no error');
  for (const locale of listOf(suite, 'ui_locales_supported')) {
    const { url } = await suite.client.ask({ ui_locales: `se ${locale}` });
    t.equal(languageOf(await suite.browser().follow(url.href)), locale, 'the first that there are texts in');
  }
};

const acrValues: Module = async (t, suite) => {
  const supported = listOf(suite, 'acr_values_supported');
  t.ok(supported.length > 0);
  const { claims } = await completeFlow(t, suite, { asking: { acr_values: supported.join(' ') } });
  t.ok(supported.includes(String(claims['acr'])), 'one of them comes back: else it is a warning');
};

const pkce: Module = async (t, suite) => {
  const verifier = oidc.randomPKCECodeVerifier();
  const challenge = await oidc.calculatePKCECodeChallenge(verifier);
  const asking = { code_challenge: challenge, code_challenge_method: 'S256' };
  await completeFlow(t, suite, { asking, checks: { pkceCodeVerifier: verifier } });
  await refusesVerifier(t, suite, asking);
};

/** Beyond the module: whoever has sent a challenge is held to it. */
async function refusesVerifier(t: Test, suite: Suite, asking: Asking): Promise<void> {
  const arrival = await suite.client.authorize(suite.browser(), await suite.client.ask(asking));
  const wrong = { pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
  const refused: unknown = await suite.client.redeem(arrival, wrong).catch((error: unknown) => error);
  t.match(refused, { status: 400, error: 'invalid_grant' });
}

export const requestModules = {
  'oidcc-server': happyFlow,
  'oidcc-response-type-missing': responseTypeMissing,
  'oidcc-idtoken-signature': idTokenSignature,
  'oidcc-idtoken-unsigned': idTokenUnsigned,
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': withoutNonce,
  'oidcc-alternate-happy-flow': alternateHappyFlow,
  'oidcc-display-page': succeedsWith({ display: 'page' }),
  'oidcc-display-popup': succeedsWith({ display: 'popup' }),
  'oidcc-ensure-request-with-unknown-parameter-succeeds': succeedsWith({ extra: 'foobar' }),
  'oidcc-login-hint': loginHint,
  'oidcc-ui-locales': uiLocales,
  'oidcc-claims-locales': succeedsWith({ claims_locales: 'se' }),
  'oidcc-ensure-request-with-acr-values-succeeds': acrValues,
  'oidcc-ensure-registered-redirect-uri': registeredRedirectUri,
  'oidcc-ensure-post-request-succeeds': postRequest,
  'oidcc-ensure-request-with-valid-pkce-succeeds': pkce,
} satisfies Readonly<Record<string, Module>>;
