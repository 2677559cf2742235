/** Who has signed out at the provider. @see OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6 */
import { createRemoteJWKSet, customFetch, jwksCache, type JWTPayload, jwtVerify } from 'jose';
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { OidcConnection } from '../../core/connections/connections.ts';
import { addSeconds, minute } from '../../kernel/time.ts';
import { isRefusal } from '../connector.ts';
import { subjectOf } from './identity.ts';
import { type Provider, toleranceSeconds, withProvider } from './provider.ts';
import { judge } from './refusing.ts';
import { issuersOf } from './tenants.ts';

/** Who has signed out at their provider, or which of their sessions there has ended. */
export interface LogoutNotice {
  readonly issuer: string;
  /** As in `ExternalIdentity`; absent when only the session is named. */
  readonly subject?: string;
  readonly sessionId?: string;
  /** For the caller to consume: heard once per connection, until `expiresAt`; after that it is refused for its age. */
  readonly jti: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

const event = 'http://schemas.openid.net/event/backchannel-logout';
const ageSeconds = 10 * minute;
const maxLength = 16_000;

/** Optional in the specification; any other type is some other token, signed with the same keys. */
const types = new Set([undefined, 'jwt', 'logout+jwt', 'application/logout+jwt']);

export async function verifyLogoutToken(
  ctx: Context,
  connection: OidcConnection,
  token: string,
): Promise<LogoutNotice | Refusal> {
  if (token.length > maxLength) return { refused: 'oidc_token', detail: 'too long' };
  return withProvider<LogoutNotice>(ctx, connection, async (provider) => {
    const verified = await judge('oidc_token', () =>
      jwtVerify(token, keysOf(provider), {
        algorithms: [connection.settings.idTokenAlgorithm],
        issuer: [...issuersOf(provider.metadata.issuer, connection.settings)],
        audience: connection.settings.clientId,
        requiredClaims: ['iss', 'aud', 'iat', 'jti', 'events'],
        maxTokenAge: ageSeconds,
        clockTolerance: toleranceSeconds,
        currentDate: ctx.now(),
      }),
    );
    if (isRefusal(verified)) return verified;
    const { payload, protectedHeader } = verified.answer;
    if (!types.has(protectedHeader.typ?.toLowerCase())) return { refused: 'oidc_token', detail: 'typ' };
    return readNotice(connection, payload);
  });
}

function keysOf({ metadata, knownKeys, fetch }: Provider) {
  return createRemoteJWKSet(new URL(metadata.jwks_uri), {
    [customFetch]: fetch,
    ...(knownKeys && { [jwksCache]: { jwks: knownKeys.jwks, uat: knownKeys.uat * 1000 } }),
    cacheMaxAge: 300_000,
    // whoever invents key ids must not make us ask for them each time
    cooldownDuration: 60_000,
  });
}

function readNotice({ settings }: OidcConnection, payload: JWTPayload): LogoutNotice | Refusal {
  const { iss: issuer = '', aud, azp, iat = 0, jti = '', sid } = payload;
  const others = [aud].flat().some((audience) => audience !== settings.clientId);
  if ((others || azp !== undefined) && azp !== settings.clientId)
    return { refused: 'oidc_token', detail: 'azp' };
  if (!isObject(payload['events']) || !isObject(payload['events'][event]))
    return { refused: 'oidc_token', detail: 'events' };
  // whatever its value: with one it could be an ID token of ours
  if ('nonce' in payload) return { refused: 'oidc_token', detail: 'nonce' };
  if (!isName(jti)) return { refused: 'oidc_token', detail: 'jti' };
  const subject = subjectOf(settings, payload);
  const sessionId = isName(sid) ? sid : undefined;
  if (subject === undefined && sessionId === undefined)
    return { refused: 'oidc_subject', detail: 'neither subject nor session' };
  const issuedAt = new Date(iat * 1000);
  return {
    issuer,
    ...(subject !== undefined && { subject }),
    ...(sessionId !== undefined && { sessionId }),
    jti,
    issuedAt,
    expiresAt: addSeconds(issuedAt, ageSeconds + 2 * toleranceSeconds),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 1000 && !/\p{Cc}/u.test(value);
}
