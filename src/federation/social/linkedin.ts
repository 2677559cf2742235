/**
 * LinkedIn: OpenID Connect, but not quite. It refuses a `code_verifier` (401 invalid_client), returns no nonce, and wants
 * the client secret in the body, so that only the state and our redirect URI bind a code to its sign-in.
 * @see https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
 */
import type { SocialClient } from '../../../config/social.ts';
import { isRefusal } from '../connector.ts';
import { verifyIdToken } from './id-token.ts';
import { fromClaims, isTrue } from './identity.ts';
import { addressAt, type Dialect } from './provider.ts';

export function linkedin({ clientId, clientSecret, baseUrl }: SocialClient): Dialect {
  const at = (path: string): string => addressAt(baseUrl, 'https://www.linkedin.com', path);
  // the second is what older notes say
  const issuers = [at('/oauth'), at('')];
  return {
    clientId,
    authorizeAt: at('/oauth/v2/authorization'),
    tokenAt: at('/oauth/v2/accessToken'),
    scope: 'openid profile email',
    pkce: false,
    nonce: false,
    isIssuer: (iss) => issuers.includes(iss),
    cancelled: ['user_cancelled_login', 'user_cancelled_authorize'],
    clientSecret: () => clientSecret,
    identify: async (ctx, granted) => {
      const keysAt = at('/oauth/openid/jwks');
      const proven = await verifyIdToken(ctx, granted, { clientId, keysAt, issuers: () => issuers });
      if (isRefusal(proven)) return proven;
      const { email, email_verified: verified, name } = proven.answer;
      return fromClaims(proven.answer, ['sub'], {
        provider: 'linkedin',
        issuer: at('/oauth'),
        email,
        // it says itself that it does not verify who somebody is
        emailTrust: isTrue(verified) ? 'verified_once' : 'none',
        name,
      });
    },
  };
}
