/**
 * The identity providers that people bring themselves. Each has a file with what it has of its own; here is what is the
 * same for all: one code, redeemed once, for who somebody is. Nothing here knows of users, and no token of a provider is
 * kept or handed on.
 */
import { createHash } from 'node:crypto';
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { SocialIdentity, SocialProvider } from '../../core/identities/identities.ts';
import { addSeconds } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import {
  type Ask,
  type Connector,
  isRefusal,
  type Memory,
  type Returned,
  type Verified,
  type Way,
} from '../connector.ts';
import { errorCode } from '../oidc/refusing.ts';
import { judgeState } from '../oidc/verify.ts';
import { askJson } from './ask.ts';
import { dialectOf } from './dialects.ts';
import type { Dialect, Members } from './provider.ts';

export { type Notification, type NotificationKind, verifyNotification } from './notifications.ts';

/** The parameters of the callback exactly as they came, from the address or posted: what came twice is there twice. */
export type SocialResponseInput = URLSearchParams;

export const socialConnector: Connector<SocialProvider, SocialResponseInput, SocialIdentity> = {
  depart,
  verify,
};

/** One for each provider, so that the code of one is never taken for another's (RFC 9700 §4.4.2). */
export function socialRedirectUri({ config }: Pick<Context, 'config'>, provider: SocialProvider): string {
  return `${config.issuer}/federation/${provider}/callback`;
}

const notConfigured: Refusal = { refused: 'connection_not_available', detail: 'it is not configured' };

async function depart(ctx: Context, provider: SocialProvider, ask: Ask): Promise<Way | Refusal> {
  const dialect = dialectOf(ctx.config, provider);
  if (!dialect) return notConfigured;
  const memory = rememberFor(ask, { dialect, now: ctx.now() });
  const url = new URL(dialect.authorizeAt);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: dialect.clientId,
    redirect_uri: socialRedirectUri(ctx, provider),
    scope: dialect.scope,
    state: ask.token,
    ...(memory.nonce !== undefined && { nonce: memory.nonce }),
    ...(memory.codeVerifier !== undefined && {
      code_challenge: challengeOf(memory.codeVerifier),
      code_challenge_method: 'S256',
    }),
    ...dialect.parameters?.(ask),
  }).toString();
  return { location: url.href, memory };
}

function rememberFor(
  { forceAuthn, maxAge }: Ask,
  { dialect, now }: { readonly dialect: Dialect; readonly now: Date },
): Memory {
  const age = forceAuthn ? 0 : maxAge;
  return {
    ...(dialect.nonce && { nonce: newToken().token }),
    ...(dialect.pkce && { codeVerifier: newToken().token }),
    ...(age !== undefined && { notBefore: addSeconds(now, -age).toISOString() }),
  };
}

/** @see RFC 7636 §4.2 */
function challengeOf(codeVerifier: string): string {
  return createHash('sha256').update(codeVerifier).digest('base64url');
}

async function verify(
  ctx: Context,
  provider: SocialProvider,
  returned: Returned<SocialResponseInput>,
): Promise<Verified<SocialIdentity> | Refusal> {
  const dialect = dialectOf(ctx.config, provider);
  if (!dialect) return notConfigured;
  const refusal = judgeState(returned) ?? judgeResponse(returned, dialect);
  if (refusal) return refusal;
  const tokens = await redeem(ctx, dialect, { returned, redirectUri: socialRedirectUri(ctx, provider) });
  if (isRefusal(tokens)) return tokens;
  const { memory, response } = returned;
  const identity = await dialect.identify(ctx, { tokens: tokens.answer, memory, response });
  return isRefusal(identity) ? identity : { identity };
}

function judgeResponse(
  { response, memory }: Returned<SocialResponseInput>,
  { nonce, pkce, isIssuer, cancelled }: Dialect,
): Refusal | undefined {
  const iss = response.get('iss');
  if (iss !== null && !isIssuer(iss))
    return { refused: 'oidc_issuer', detail: 'the response is of another issuer' };
  const error = response.get('error');
  // each has its own word for it; the caller needs one
  if (error !== null && cancelled?.includes(error)) return { refused: 'idp_error', detail: 'access_denied' };
  if (error !== null) return { refused: 'idp_error', detail: errorCode(error) };
  if ((nonce && memory.nonce === undefined) || (pkce && memory.codeVerifier === undefined))
    return { refused: 'oidc_state', detail: 'what was sent along is not remembered' };
  return response.get('code') ? undefined : { refused: 'oidc_error', detail: 'there is no code' };
}

/** @see RFC 6749 §4.1.3 */
async function redeem(
  ctx: Context,
  { clientId, tokenAt, clientSecret }: Dialect,
  asked: { readonly returned: Returned<SocialResponseInput>; readonly redirectUri: string },
): Promise<{ readonly answer: Members } | Refusal> {
  const { response, memory } = asked.returned;
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code: response.get('code') ?? '',
    redirect_uri: asked.redirectUri,
    client_id: clientId,
    client_secret: await clientSecret(ctx.now()),
    ...(memory.codeVerifier !== undefined && { code_verifier: memory.codeVerifier }),
  });
  return askJson(ctx, { address: tokenAt, otherwise: 'oidc_token', method: 'POST', body });
}
