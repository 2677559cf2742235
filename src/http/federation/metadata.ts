/** What a company's IT needs to know of us: SAML metadata, or the client metadata of OpenID Connect (RFC 7591 §2). */
import { findConnection } from '../../core/connections/connections.ts';
import { clientMetadata } from '../../federation/oidc/oidc.ts';
import { serviceProviderMetadata } from '../../federation/saml/service-provider.ts';
import { Failure } from '../../kernel/failures.ts';
import { defineRoute, type Route } from '../route.ts';
import { connectionParams } from './connection.ts';

/** Public, and about us alone: it says nothing of the account. */
export const metadataRoute: Route = defineRoute({
  method: 'GET',
  url: '/federation/:id/metadata',
  access: 'public',
  schema: { params: connectionParams },
  handler: async (ctx, { params: { id } }, { reply }) => {
    const connection = await findConnection(ctx.db, id);
    if (!connection) throw new Failure('not_found');
    if (connection.kind === 'oidc') return reply.send(await clientMetadata(ctx, connection));
    return reply
      .type('application/samlmetadata+xml; charset=utf-8')
      .send(await serviceProviderMetadata(ctx, connection));
  },
});
