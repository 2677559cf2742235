/** Where the rehearsal identity providers stand, and what they are called. */
import type { SocialProvider } from '../../core/identities/identities.ts';

/** Its entity id is where its metadata is, as with most. */
export function samlIdp(issuer: string) {
  const base = `${issuer}/demo/idp/saml`;
  return { entityId: `${base}/metadata`, ssoUrl: `${base}/sso` };
}

export function oidcIdp(issuer: string): string {
  return `${issuer}/demo/idp/oidc`;
}

export function socialIdp(issuer: string, provider: SocialProvider): string {
  return `${issuer}/demo/idp/social/${provider}`;
}

/** What the service is to those that know it by a secret, which is none to anybody. */
export const oidcClient = { id: 'doorward-demo', secret: 'rehearsal-secret' };

/** What stands in the place of the right issuer, audience or address when that is the fault. */
export const elsewhere = 'https://idp.elsewhere.test/metadata';
