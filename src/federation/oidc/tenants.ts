/** Issuers that serve many companies with the same keys: which company a token is of stands in a claim. */
import type { OidcSettings } from '../../core/connections/connections.ts';

type Claims = Readonly<Record<string, unknown>>;

const google = 'https://accounts.google.com';
const entra = 'https://login.microsoftonline.com';
/** What the metadata of these endpoints of Entra ID calls its issuer; a token has its tenant's id there. */
const entraTemplate = `${entra}/{tenantid}/v2.0`;
const entraShared: readonly string[] = ['common', 'organizations'].map((name) => `${entra}/${name}/v2.0`);

/** Whether the metadata is that of the configured issuer: letter by letter, but for the shared endpoints of Entra ID. */
export function isIssuerOf(documentIssuer: string, { issuer }: OidcSettings): boolean {
  return documentIssuer === issuer || (entraShared.includes(issuer) && documentIssuer === entraTemplate);
}

/** Every issuer that a token or a response of this provider may name. */
export function issuersOf(documentIssuer: string, { tenants }: OidcSettings): readonly string[] {
  if (documentIssuer !== entraTemplate) return [documentIssuer];
  return tenants.map((tenant) => entraTemplate.replace('{tenantid}', () => tenant));
}

/**
 * Whether a token is of a company that the connection is for. The library only compares `tid` with the `iss` beside it,
 * so that anybody's own tenant would do (nOAuth). At Google a token without `hd` is of a private account, which anybody
 * may have for an address that was once theirs.
 */
export function isOfTenant(claims: Claims, { issuer, tenants }: OidcSettings): boolean {
  const isGoogle = issuer === google;
  const tenant = claims[isGoogle ? 'hd' : 'tid'];
  if (tenants.length > 0) return typeof tenant === 'string' && tenants.includes(tenant);
  return isGoogle ? typeof tenant === 'string' && tenant !== '' : !entraShared.includes(issuer);
}

/** Leads past the choice of accounts at the providers that know such a hint; nothing is believed for it. */
export function domainHint(
  { issuer }: OidcSettings,
  loginHint: string | undefined,
): Readonly<Record<string, string>> {
  const domain = loginHint?.split('@')[1];
  if (domain === undefined || domain === '') return {};
  if (issuer === google) return { hd: domain };
  return issuer.startsWith(`${entra}/`) ? { domain_hint: domain } : {};
}
