export const authMethods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const;
export type AuthMethod = (typeof authMethods)[number];

export const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials'] as const;
export type GrantType = (typeof grantTypes)[number];

export const applicationTypes = ['web', 'native'] as const;

/** A new one's. Not one that reads like the id of a person: it is the subject of the client's own tokens (RFC 9068 §5). */
export const clientIdPattern = /^(?![a-z]+_[0-9a-z]{26}$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export interface Client {
  readonly clientId: string;
  readonly name: string;
  readonly product: { readonly slug: string; readonly name: string; readonly resource: string | null } | null;
  readonly requiredRole: 'admin' | null;
  /** Ours: no question of consent. */
  readonly firstParty: boolean;
  readonly applicationType: (typeof applicationTypes)[number];
  readonly authMethod: AuthMethod;
  readonly secretHash: Buffer | null;
  /** The secret before, which still works until then. */
  readonly previousSecretHash: Buffer | null;
  readonly previousSecretUntil: Date | null;
  readonly jwks: unknown;
  readonly jwksUri: string | null;
  readonly grantTypes: readonly GrantType[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly backchannelLogoutUri: string | null;
  readonly initiateLoginUri: string | null;
  readonly homeUri: string | null;
  readonly signUpUri: string | null;
  readonly logoUri: string | null;
  /** Beyond openid, profile and email: what it may ask for. */
  readonly scopes: readonly string[];
  /** The resources (RFC 8707) it may ask tokens for. */
  readonly resources: readonly string[];
  /** The scopes that the interfaces behind them know, and its product's. */
  readonly scopesByResource: Readonly<Record<string, readonly string[]>>;
  readonly idTokenSignedResponseAlg: 'ES256' | 'RS256';
  readonly requirePushedAuthorizationRequests: boolean;
  readonly dpopBoundAccessTokens: boolean;
  /** For interoperability runs of confidential clients only; the table refuses it for public ones. */
  readonly pkceWaived: boolean;
}
