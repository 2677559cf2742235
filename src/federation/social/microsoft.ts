/**
 * Microsoft, for accounts of companies and of people alike. Anybody may have a company there and write any address into
 * it (nOAuth), so that the address counts for nothing unless Microsoft says that its domain is proven.
 * @see https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
 */
import type { JWK } from 'jose';
import type { SocialClient } from '../../../config/social.ts';
import type { EmailTrust } from '../../core/identities/identities.ts';
import { isRefusal } from '../connector.ts';
import { type Claims, isText } from '../oidc/identity.ts';
import { verifyIdToken } from './id-token.ts';
import { fromClaims, isTrue } from './identity.ts';
import { addressAt, type Dialect, type Members } from './provider.ts';

const guid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
/** The tenant of all accounts that belong to people and not to a company. */
const privateAccounts = '9188040d-6c67-4c5b-b112-36a304b66dad';
const placeholder = '{tenantid}';

export function microsoft({ clientId, clientSecret, baseUrl }: SocialClient): Dialect {
  const at = (path: string): string => addressAt(baseUrl, 'https://login.microsoftonline.com', path);
  const issuerOf = (tenant: string): string => at(`/${tenant}/v2.0`);
  const issuersIn = ({ tid }: Claims): string[] => (isTenant(tid) ? [issuerOf(tid)] : []);
  return {
    clientId,
    authorizeAt: at('/common/oauth2/v2.0/authorize'),
    tokenAt: at('/common/oauth2/v2.0/token'),
    // without `profile` there is no `oid`
    scope: 'openid email profile',
    pkce: true,
    nonce: true,
    parameters: ({ forceAuthn, maxAge, loginHint }) => ({
      ...(loginHint !== undefined && { login_hint: loginHint }),
      ...(forceAuthn && { prompt: 'login' }),
      ...(maxAge !== undefined && !forceAuthn && { max_age: String(maxAge) }),
    }),
    // it sends none yet; when it does, it may be that of the tenant or of all
    isIssuer: (iss) =>
      [placeholder, 'common', ...iss.split('/').filter(isTenant)].some((tenant) => iss === issuerOf(tenant)),
    clientSecret: () => clientSecret,
    identify: async (ctx, granted) => {
      const proven = await verifyIdToken(ctx, granted, {
        clientId,
        keysAt: at('/common/discovery/v2.0/keys'),
        issuers: issuersIn,
        mayUse,
      });
      if (isRefusal(proven)) return proven;
      const { iss, email, name } = proven.answer;
      // `sub` is another one for each of our client ids
      return fromClaims(proven.answer, ['tid', 'oid'], {
        provider: 'microsoft',
        issuer: String(iss),
        email,
        emailTrust: trustIn(proven.answer),
        name,
      });
    },
  };
}

function isTenant(value: unknown): value is string {
  return typeof value === 'string' && guid.test(value);
}

/** A key for private accounts must not speak for companies: one was stolen, and did (Storm-0558, 2023). */
function mayUse(key: JWK, tokenIssuer: unknown): boolean {
  const { issuer }: Members = { ...key };
  if (typeof issuer !== 'string') return true;
  const tenant = String(tokenIssuer).split('/').find(isTenant) ?? '';
  return issuer.replace(placeholder, () => tenant) === tokenIssuer;
}

/** `xms_edov`: the owner of the domain has proven it. A private account was made with a code to its address. */
function trustIn({ tid, email, xms_edov: domainProven }: Claims): EmailTrust {
  if (isTrue(domainProven)) return 'authoritative';
  if (tid !== privateAccounts) return 'none';
  return isText(email) && /@(outlook|hotmail|live|msn)\.com$/i.test(email)
    ? 'authoritative'
    : 'verified_once';
}
