import type { ProductId } from '../../kernel/ids.ts';
import type { Role } from '../memberships/memberships.ts';

/** Which of a SAML response's two signatures must be there. One that is there must verify, whatever the policy. */
export const signaturePolicies = ['assertion', 'response', 'both', 'either'] as const;
export type SignaturePolicy = (typeof signaturePolicies)[number];

/** What becomes of a response nobody asked for: refused, taken as the wish to sign in here, or believed. */
export const idpInitiatedModes = ['off', 'restart', 'allow'] as const;
export type IdpInitiated = (typeof idpInitiatedModes)[number];

/** What an admin decides about a SAML connection. */
export interface SamlSettings {
  readonly kind: 'saml';
  /** The identity provider's entity id: pinned, a refresh that brings another is refused. */
  readonly entityId: string;
  /** Where its metadata is fetched again; null when it was handed over as a file. */
  readonly metadataUrl: string | null;
  readonly signaturePolicy: SignaturePolicy;
  /** What names a person for good: the NameID, or an attribute where the NameID is not stable. */
  readonly subject: { readonly from: 'name_id' } | { readonly from: 'attribute'; readonly name: string };
  readonly idpInitiated: IdpInitiated;
  /** Clients an unsolicited response may lead to; the first is where it goes unless RelayState names another. */
  readonly idpInitiatedClients: readonly string[];
  /** Publish an encryption certificate, and read assertions encrypted to it. */
  readonly encryption: boolean;
  /** Refuse signatures of certificates past their date, which most identity providers go on using. */
  readonly refuseExpiredCertificates: boolean;
}

export const clientAuthMethods = ['client_secret_post', 'client_secret_basic', 'private_key_jwt'] as const;
export type UpstreamClientAuth = (typeof clientAuthMethods)[number];

export const idTokenAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

/** What an admin decides about an OpenID Connect connection. The client secret is sealed beside it. */
export interface OidcSettings {
  readonly kind: 'oidc';
  readonly issuer: string;
  readonly clientId: string;
  readonly clientAuth: UpstreamClientAuth;
  readonly idTokenAlgorithm: (typeof idTokenAlgorithms)[number];
  /** Asked for, `openid` included. */
  readonly scopes: readonly string[];
  /** Claims that together name a person for good; `sub` unless the identity provider has it differ by client. */
  readonly subject: readonly string[];
  /** Values of the claim `tid` that are taken, for an issuer that serves many tenants (Entra ID); at Google of `hd`. */
  readonly tenants: readonly string[];
}

export type ConnectionSettings = SamlSettings | OidcSettings;

export interface IdpCertificate {
  /** DER, base64 */
  readonly der: string;
  /** SHA-256 of the DER, hex */
  readonly fingerprint: string;
  /** RFC 3339 */
  readonly notAfter: string;
  /** Since when the metadata does not name it any more (RFC 3339); it is still taken for a while. */
  readonly retiringSince: string | null;
}

/** What a SAML identity provider's metadata says. */
export interface SamlPublished {
  readonly ssoUrl: string;
  readonly binding: 'redirect' | 'post';
  readonly certificates: readonly IdpCertificate[];
  /** RFC 3339; null when the metadata does not end. */
  readonly validUntil: string | null;
  /** When its metadata was last fetched, or tried to be (RFC 3339). */
  readonly triedAt?: string;
}

/** What an OpenID provider's discovery and key documents say; empty until they were first fetched. */
export interface OidcPublished {
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** RFC 3339 */
  readonly metadataAt: string | null;
  readonly jwks: { readonly keys: readonly object[] } | null;
  /** Unix seconds */
  readonly jwksAt: number | null;
}

export const nothingPublished: OidcPublished = {
  metadata: null,
  metadataAt: null,
  jwks: null,
  jwksAt: null,
};

/**
 * How what an identity provider asserts becomes a user: names of attributes or claims, tried in order, and exact values.
 * `name_id` stands for a SAML NameID, `sub` for the subject of OpenID Connect.
 */
export interface Mapping {
  readonly email: readonly string[];
  readonly name: readonly string[];
  readonly givenName: readonly string[];
  readonly familyName: readonly string[];
  /** Where the groups are; null when roles and products do not come from groups. */
  readonly groups: string | null;
  /** Group → role; whoever is in none gets `agent`. Never above the ceiling. */
  readonly roles: Readonly<Record<string, Role>>;
  readonly roleCeiling: Role;
  /** Group → products on which a seat is taken, besides those that everybody gets. */
  readonly products: Readonly<Record<string, readonly ProductId[]>>;
  readonly everybodysProducts: readonly ProductId[];
  /** Whether roles follow the groups at every sign-in, or are only ever raised by them. */
  readonly mode: 'authoritative' | 'additive';
  /** Whether people come in who were not made or invited before. */
  readonly provisioning: 'just_in_time' | 'invited_only';
}

export const defaultMapping: Mapping = {
  email: [
    'email',
    'mail',
    'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
    'urn:oid:0.9.2342.19200300.100.1.3',
    'name_id',
  ],
  name: [
    'name',
    'displayName',
    'http://schemas.microsoft.com/identity/claims/displayname',
    'urn:oid:2.16.840.1.113730.3.1.241',
  ],
  givenName: [
    'given_name',
    'firstName',
    'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname',
    'urn:oid:2.5.4.42',
  ],
  familyName: [
    'family_name',
    'lastName',
    'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname',
    'urn:oid:2.5.4.4',
  ],
  groups: null,
  roles: {},
  roleCeiling: 'agent',
  products: {},
  everybodysProducts: [],
  mode: 'authoritative',
  provisioning: 'just_in_time',
};
