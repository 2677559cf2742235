/** Back from the provider: the callback's parameters, for an identity. @see OpenID Connect Core §3.1.2.7, §3.1.3 */
import { authorizationCodeGrant, fetchUserInfo } from 'openid-client';
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { Mapping, OidcConnection } from '../../core/connections/connections.ts';
import { isRefusal, type Returned, type Verified } from '../connector.ts';
import { redirectUriOf } from './client.ts';
import { judgeIdToken } from './id-token.ts';
import { attributesOf, type Claims, identityOf } from './identity.ts';
import { type Provider, withProvider } from './provider.ts';
import { errorCode, judge, type Judged } from './refusing.ts';
import { issuersOf } from './tenants.ts';

type Response = Returned<URLSearchParams>;

export async function verify(
  ctx: Context,
  connection: OidcConnection,
  returned: Response,
): Promise<Verified | Refusal> {
  const { settings } = connection;
  const unexpected = judgeState(returned);
  if (unexpected) return unexpected;
  if (returned.memory.nonce === undefined) return { refused: 'oidc_state', detail: 'there is no nonce' };
  return withProvider<Verified>(ctx, connection, async (provider) => {
    const issuers = issuersOf(provider.metadata.issuer, settings);
    const refusal = judgeResponse(returned, provider, issuers);
    if (refusal) return refusal;
    const tokens = await redeem(provider, returned, redirectUriOf(ctx, connection));
    if (isRefusal(tokens)) return tokens;
    const { claims } = tokens.answer;
    const problem = judgeIdToken(claims, {
      settings,
      issuers: [returned.response.get('iss') ?? issuers].flat(),
      now: ctx.now(),
      notBefore: returned.memory.notBefore,
    });
    if (problem) return problem;
    const more = await askForMore(provider, connection.mapping, tokens.answer);
    if (isRefusal(more)) return more;
    const identity = identityOf(settings, claims, more.answer);
    return isRefusal(identity) ? identity : { identity };
  });
}

/** Nothing is asked of anybody for a response that does not belong to this departure. */
export function judgeState({ response, ask }: Omit<Response, 'memory'>): Refusal | undefined {
  const twice = [...new Set(response.keys())].find((name) => response.getAll(name).length > 1);
  // of two values each reader could take another one (RFC 6749 §3.1)
  if (twice === 'state') return { refused: 'oidc_state', detail: 'state came twice' };
  if (twice !== undefined) return { refused: 'oidc_error', detail: 'a parameter came twice' };
  return response.get('state') === ask?.token ? undefined : { refused: 'oidc_state' };
}

function judgeResponse(
  { response }: Response,
  { metadata }: Provider,
  issuers: readonly string[],
): Refusal | undefined {
  const iss = response.get('iss');
  // also where it was not announced (RFC 9207 §2.4): some have begun to send it without
  if (iss !== null && !issuers.includes(iss))
    return { refused: 'oidc_issuer', detail: 'the response is of another issuer' };
  if (iss === null && metadata.authorization_response_iss_parameter_supported === true)
    return { refused: 'oidc_issuer', detail: 'the response does not say of which issuer it is' };
  const error = response.get('error');
  if (error !== null) return { refused: 'idp_error', detail: errorCode(error) };
  return response.has('code') ? undefined : { refused: 'oidc_error', detail: 'there is no code' };
}

/** What the code was good for. The tokens go no further than this file, and the access token only to userinfo. */
interface Redeemed {
  readonly claims: Claims;
  readonly accessToken: string;
}

async function redeem(
  { configuration, metadata }: Provider,
  { response, ask, memory: { nonce, codeVerifier } }: Response,
  redirectUri: string,
): Promise<Judged<Redeemed>> {
  const url = new URL(redirectUri);
  url.search = response.toString();
  // was compared before; the library would compare it with the template of Entra ID
  if (response.has('iss')) url.searchParams.set('iss', metadata.issuer);
  const granted = await judge('oidc_token', () =>
    authorizationCodeGrant(configuration, url, {
      ...(ask && { expectedState: ask.token }),
      ...(nonce !== undefined && { expectedNonce: nonce }),
      ...(codeVerifier !== undefined && { pkceCodeVerifier: codeVerifier }),
      idTokenExpected: true,
    }),
  );
  if (isRefusal(granted)) return granted;
  const tokens = granted.answer;
  return { answer: { claims: { ...tokens.claims() }, accessToken: tokens.access_token } };
}

/** From userinfo, where the ID token leaves out the address. What it says must be of the same person. */
async function askForMore(
  { configuration, metadata }: Provider,
  mapping: Mapping,
  { claims, accessToken }: Redeemed,
): Promise<Judged<Claims>> {
  if (metadata.userinfo_endpoint === undefined || hasEmail(mapping, claims)) return { answer: {} };
  return judge('oidc_userinfo', () => fetchUserInfo(configuration, accessToken, String(claims['sub'])));
}

function hasEmail({ email: candidates }: Mapping, claims: Claims): boolean {
  const attributes = attributesOf(claims);
  return candidates.some((name) => name !== 'sub' && Object.hasOwn(attributes, name));
}
