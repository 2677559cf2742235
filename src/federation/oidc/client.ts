/** Who we are at a provider: how we prove it, and what its admins need to know to let us in. */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { importPKCS8, type JWK } from 'jose';
import {
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  modifyAssertion,
  PrivateKeyJwt,
} from 'openid-client';
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import {
  type ConnectionKey,
  listConnectionKeys,
  type OidcConnection,
  openClientSecret,
  openConnectionKey,
} from '../../core/connections/connections.ts';
import type { Metadata } from './documents.ts';

type Place = Pick<Context, 'config' | 'db'>;

/** One for each connection, and of our own making: what the browser says of its host is nothing (RFC 9700 §4.4.2). */
export function redirectUriOf({ config }: Pick<Context, 'config'>, { id }: OidcConnection): string {
  return `${config.issuer}/federation/${id}/callback`;
}

/** Refused when the secret or the key is missing. */
export async function clientAuthentication(
  ctx: Place,
  connection: OidcConnection,
  metadata: Metadata,
): Promise<ClientAuth | Refusal> {
  const { clientAuth } = connection.settings;
  if (clientAuth === 'private_key_jwt') return privateKeyJwt(ctx, connection, metadata);
  const secret = openClientSecret(ctx.config, connection);
  if (secret === undefined)
    return { refused: 'connection_not_available', detail: 'there is no client secret' };
  return clientAuth === 'client_secret_basic' ? ClientSecretBasic(secret) : ClientSecretPost(secret);
}

/**
 * The audience is the issuer: one that is merely an address of this provider could be that of another, who would then
 * hold a proof of ours (CVE-2025-27370). The shared endpoints of Entra ID have no issuer of their own to name.
 * @see OpenID Connect Core §9
 */
async function privateKeyJwt(
  ctx: Place,
  connection: OidcConnection,
  { issuer, token_endpoint: tokenEndpoint }: Metadata,
): Promise<ClientAuth | Refusal> {
  const key = (await listSigningKeys(ctx, connection)).find(({ state }) => state === 'current');
  if (!key) return { refused: 'connection_not_available', detail: 'there is no signing key' };
  const privateKey = await importPKCS8(openConnectionKey(ctx.config, key), 'RS256');
  return PrivateKeyJwt(
    { key: privateKey, kid: key.id },
    {
      [modifyAssertion]: (header, payload) => {
        header['x5t#S256'] = thumbprintOf(key);
        if (issuer.includes('{')) payload['aud'] = tokenEndpoint;
      },
    },
  );
}

/** @see RFC 7591 §2 */
export async function clientMetadata(
  ctx: Place,
  connection: OidcConnection,
): Promise<Record<string, unknown>> {
  const { clientAuth, idTokenAlgorithm, scopes } = connection.settings;
  const keys = clientAuth === 'private_key_jwt' ? await listSigningKeys(ctx, connection) : [];
  return {
    client_name: ctx.config.brand.name,
    redirect_uris: [redirectUriOf(ctx, connection)],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    scope: scopes.join(' '),
    token_endpoint_auth_method: clientAuth,
    id_token_signed_response_alg: idTokenAlgorithm,
    backchannel_logout_uri: `${ctx.config.issuer}/federation/${connection.id}/backchannel-logout`,
    ...(keys.length > 0 && { jwks: { keys: keys.map(publicJwk) } }),
  };
}

async function listSigningKeys({ db }: Place, { id }: OidcConnection): Promise<ConnectionKey[]> {
  return (await listConnectionKeys(db, id)).filter(({ use }) => use === 'signing');
}

function publicJwk(key: ConnectionKey): JWK {
  const jwk = createPublicKey(key.certificate).export({ format: 'jwk' }) as JWK;
  return { ...jwk, kid: key.id, use: 'sig', alg: 'RS256', 'x5t#S256': thumbprintOf(key) };
}

/** By this Entra ID finds the certificate; others go by `kid`. @see RFC 7515 §4.1.8 */
function thumbprintOf({ certificate }: ConnectionKey): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');
}
