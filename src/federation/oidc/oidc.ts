/**
 * Connections by OpenID Connect: the authorization code flow, strict. Signatures are always verified, with the algorithm
 * of the connection and never one the provider's metadata names; each connection has a redirect URI of its own.
 *
 * All time is `ctx.now()`: the libraries, which have the process clock, are told the difference. No token of a provider
 * is stored or handed on.
 */
import type { OidcConnection } from '../../core/connections/connections.ts';
import type { Connector } from '../connector.ts';
import { depart } from './depart.ts';
import { verify } from './verify.ts';

export { clientMetadata, redirectUriOf } from './client.ts';
export { type LogoutNotice, verifyLogoutToken } from './logout-token.ts';
export { findProvider, refreshProvider } from './published.ts';

/** The parameters of the callback exactly as they came: what came twice is there twice. */
export type OidcResponseInput = URLSearchParams;

export const oidcConnector: Connector<OidcConnection, OidcResponseInput> = { depart, verify };
