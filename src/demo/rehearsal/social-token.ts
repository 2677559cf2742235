/** Where codes become tokens, as each of the social providers does it. @see RFC 6749 §4.1.3 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { SocialProvider } from '../../core/identities/identities.ts';
import { oidcClient } from './addresses.ts';
import type { Memory } from './memory.ts';
import { isSame } from './oidc.ts';
import type { Answer, Dialect, Grant, Mint } from './social-dialect.ts';

const text = (most: number) => z.string().max(most).optional();

export const tokenRequest = z.object({
  grant_type: text(40),
  code: text(100),
  redirect_uri: text(1000),
  client_id: text(100),
  client_secret: text(2000),
  code_verifier: text(200),
});
export type TokenRequest = z.output<typeof tokenRequest>;

export interface Redeeming extends Pick<Mint, 'base' | 'now'> {
  readonly provider: SocialProvider;
  readonly dialect: Dialect;
  readonly codes: Memory<Grant>;
}

/** What the code stands for; or the error, in the provider's own format. A code is good once, right or wrong. */
export async function redeem(request: TokenRequest, redeeming: Redeeming): Promise<Grant | Answer> {
  const { dialect, codes, provider } = redeeming;
  const isRefused = dialect.verifier === 'refused' && request.code_verifier !== undefined;
  if (isRefused || !(await isClient(request, redeeming))) return dialect.complain('invalid_client');
  if (request.grant_type !== 'authorization_code') return dialect.complain('unsupported_grant_type');
  const grant = codes.take(request.code ?? '');
  if (grant?.provider !== provider || !isFor(grant, request, dialect))
    return dialect.complain('invalid_grant');
  return grant;
}

/** By the secret in the body, and nothing else. */
async function isClient(
  { client_id: id = '', client_secret: secret = '' }: TokenRequest,
  { dialect, base, now }: Redeeming,
): Promise<boolean> {
  if (id !== oidcClient.id) return false;
  return dialect.isSecret ? dialect.isSecret(secret, { base, now }) : isSame(oidcClient.secret, secret);
}

/** Whoever brought a challenge brings its verifier, and nobody else brings one. @see RFC 7636 §4.6 */
function isFor(
  { query }: Grant,
  { redirect_uri: redirectUri, code_verifier: verifier }: TokenRequest,
  dialect: Dialect,
): boolean {
  if (redirectUri !== query.redirect_uri) return false;
  if (dialect.verifier !== 'checked') return true;
  return query.code_challenge === (verifier && createHash('sha256').update(verifier).digest('base64url'));
}
