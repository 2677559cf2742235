/** The ID tokens of those who have them: always verified, by one algorithm that no document of theirs can change. */
import { decodeJwt, type JWK, jwtVerify } from 'jose';
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import { isRefusal } from '../connector.ts';
import { judgeMaking, judgeProof } from '../oidc/id-token.ts';
import type { Claims } from '../oidc/identity.ts';
import { toleranceSeconds } from '../oidc/provider.ts';
import { judge, type Judged } from '../oidc/refusing.ts';
import { keysAt } from './keys.ts';
import type { Granted } from './provider.ts';

export interface Expected {
  readonly clientId: string;
  readonly keysAt: string;
  /** All that it may call itself: in a token with these claims. */
  readonly issuers: (claims: Claims) => readonly string[];
  /** Whether a key may sign for the issuer that a token names; any may unless said. */
  readonly mayUse?: (key: JWK, issuer: unknown) => boolean;
}

const maxLength = 16_000;

/**
 * The claims of a token that was made for us, by this provider, a moment ago and for this very sign-in. How old the
 * person's proof is says `auth_time`, where the provider says it; it is refused when it is older than was asked for.
 * @see OpenID Connect Core §3.1.3.7
 */
export async function verifyIdToken(
  ctx: Context,
  { tokens, memory }: Granted,
  { clientId, keysAt: address, issuers, mayUse }: Expected,
): Promise<Judged<Claims>> {
  const { id_token: token } = tokens;
  if (typeof token !== 'string' || token.length > maxLength)
    return { refused: 'oidc_id_token', detail: 'there is no usable one' };
  const verified = await judge('oidc_id_token', () =>
    jwtVerify(token, keysAt(ctx, address, mayUse && ((key) => mayUse(key, decodeJwt(token).iss))), {
      algorithms: ['RS256'],
      requiredClaims: ['iss', 'sub', 'aud', 'iat', 'exp'],
      clockTolerance: toleranceSeconds,
      currentDate: ctx.now(),
    }),
  );
  if (isRefusal(verified)) return verified;
  const claims: Claims = verified.answer.payload;
  const now = ctx.now();
  const unfit =
    judgeBinding(claims, { clientId, nonce: memory.nonce }) ?? judgeMaking(claims, { clientId, now });
  if (unfit) return unfit;
  if (!issuers(claims).some((issuer) => issuer === claims['iss']))
    return { refused: 'oidc_issuer', detail: 'iss' };
  const stale =
    claims['auth_time'] === undefined ? undefined : judgeProof(claims, { now, notBefore: memory.notBefore });
  return stale ?? { answer: claims };
}

/** To us alone, and to this departure where the provider can say so. */
function judgeBinding(
  { aud, nonce }: Claims,
  expected: { readonly clientId: string; readonly nonce: string | undefined },
): Refusal | undefined {
  if ([aud].flat().some((audience) => audience !== expected.clientId))
    return { refused: 'oidc_id_token', detail: 'aud' };
  if (expected.nonce !== undefined && nonce !== expected.nonce)
    return { refused: 'oidc_id_token', detail: 'nonce' };
  return undefined;
}
