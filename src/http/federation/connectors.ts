/** The connector of each protocol, behind one pair of functions. */
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { Connection } from '../../core/connections/connections.ts';
import type { Ask, Way } from '../../federation/connector.ts';
import { oidcConnector } from '../../federation/oidc/oidc.ts';
import { samlConnector } from '../../federation/saml/saml.ts';

/** Asks the connection's identity provider, in its protocol. */
export function depart(ctx: Context, connection: Connection, ask: Ask): Promise<Way | Refusal> {
  return connection.kind === 'saml'
    ? samlConnector.depart(ctx, connection, ask)
    : oidcConnector.depart(ctx, connection, ask);
}
