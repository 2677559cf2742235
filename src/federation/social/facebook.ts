/**
 * Facebook: OAuth 2.0 without PKCE, and the Graph API, whose version is pinned. There may be no address, and Facebook
 * stands for none. The fragment `#_=_` that it adds on the way back never reaches a server.
 * @see https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
 */
import { createHmac } from 'node:crypto';
import type { FacebookClient } from '../../../config/social.ts';
import { isRefusal } from '../connector.ts';
import { isText } from '../oidc/identity.ts';
import { askJson } from './ask.ts';
import { fromProfile } from './identity.ts';
import { addressAt, type Dialect } from './provider.ts';

export function facebook({ clientId, clientSecret, graphVersion, baseUrl }: FacebookClient): Dialect {
  const issuer = facebookIssuer(baseUrl);
  const graph = addressAt(baseUrl, 'https://graph.facebook.com', `/${graphVersion}`);
  return {
    clientId,
    authorizeAt: addressAt(baseUrl, 'https://www.facebook.com', `/${graphVersion}/dialog/oauth`),
    tokenAt: `${graph}/oauth/access_token`,
    scope: 'email,public_profile',
    pkce: false,
    nonce: false,
    parameters: ({ forceAuthn }) => ({ ...(forceAuthn && { auth_type: 'reauthenticate' }) }),
    isIssuer: (iss) => iss === issuer,
    clientSecret: () => clientSecret,
    // a token of another app would tell somebody else's id: this one comes from our own code, and so is ours
    identify: async (ctx, { tokens: { access_token: token } }) => {
      if (!isText(token)) return { refused: 'oidc_token', detail: 'there is no access token' };
      const proof = createHmac('sha256', clientSecret).update(token).digest('hex');
      const profile = await askJson(ctx, {
        address: `${graph}/me?fields=id,name,email&appsecret_proof=${proof}`,
        otherwise: 'oidc_userinfo',
        headers: { authorization: `Bearer ${token}` },
      });
      if (isRefusal(profile)) return profile;
      const { id, name, email } = profile.answer;
      if (!isFacebookId(id)) return { refused: 'oidc_subject', detail: 'id' };
      return fromProfile(id, { provider: 'facebook', issuer, email, emailTrust: 'none', name });
    },
  };
}

/** It has no name of its own for itself in this flow. */
export function facebookIssuer(baseUrl: string | undefined): string {
  return addressAt(baseUrl, 'https://www.facebook.com', '');
}

/** A person's id with our app: digits, but too many for a number. */
export function isFacebookId(id: unknown): id is string {
  return typeof id === 'string' && /^\d{1,32}$/.test(id);
}
