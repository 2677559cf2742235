/** A token about events, signed by a provider with the keys of its ID tokens. @see RFC 8417 */
import { jwtVerify } from 'jose';
import type { Context } from '../../context.ts';
import { isRefusal } from '../connector.ts';
import type { Claims } from '../oidc/identity.ts';
import { toleranceSeconds } from '../oidc/provider.ts';
import { judge, type Judged } from '../oidc/refusing.ts';
import { keysAt } from './keys.ts';

interface Expected {
  readonly clientId: string;
  readonly keysAt: string;
  readonly issuers: readonly string[];
}

/** Its age is for the caller: what has happened does not end (RFC 8417 §2.2), so that there may be no `exp`. */
export async function verifyEventToken(
  ctx: Context,
  token: string,
  { clientId, keysAt: address, issuers }: Expected,
): Promise<Judged<Claims>> {
  const verified = await judge('oidc_token', () =>
    jwtVerify(token, keysAt(ctx, address), {
      algorithms: ['RS256'],
      issuer: [...issuers],
      audience: clientId,
      // an ID token is signed by the same keys, and has none of these
      requiredClaims: ['iss', 'aud', 'iat', 'jti', 'events'],
      clockTolerance: toleranceSeconds,
      currentDate: ctx.now(),
    }),
  );
  return isRefusal(verified) ? verified : { answer: verified.answer.payload };
}
