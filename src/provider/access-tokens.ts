/**
 * Introspection and revocation of our own JWT access tokens (RFC 9068), which the engine alone refuses. It has
 * authenticated the client when it says `unsupported_token_type`; here is the answer it had not.
 */
import { createLocalJWKSet, type JWTPayload, jwtVerify, type JSONWebKeySet } from 'jose';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { recordEvent } from '../core/audit/audit.ts';
import { hashToken } from '../kernel/tokens.ts';
import { askForGrant, entitlementIn } from './access.ts';
import type { ClientCache } from './client-cache.ts';
import { findArtifact, insertArtifact } from './queries.ts';
import { rowKey } from './row-key.ts';
import { recordWrite, type Unit } from './unit-of-work.ts';

export interface AccessTokens {
  /** Answers in the engine's place; does nothing when the engine has answered itself. */
  answer(unit: Unit, koa: KoaContextWithOIDC): Promise<void>;
}

interface Claims extends JWTPayload {
  readonly client_id: string;
  readonly grant_id?: string;
}

export function createAccessTokens(issuer: string, jwks: JSONWebKeySet, clients: ClientCache): AccessTokens {
  const keySet = createLocalJWKSet(jwks);

  const read = async (unit: Unit, token: unknown): Promise<Claims | undefined> => {
    if (typeof token !== 'string') return undefined;
    const options = { issuer, typ: 'at+jwt', algorithms: ['ES256'], currentDate: unit.ctx.now() };
    const verified = await jwtVerify<Claims>(token, keySet, options).catch(() => undefined);
    const claims = verified?.payload;
    return claims?.jti && claims.exp && claims.client_id ? claims : undefined;
  };

  return {
    async answer(unit, koa) {
      const body = koa.body as { error?: string } | undefined;
      if (body?.error !== 'unsupported_token_type' || !koa.oidc.client) return;
      const claims = await read(unit, koa.oidc.params?.['token']);
      koa.status = 200;
      if (koa.oidc.route === 'revocation') {
        koa.body = '';
        if (claims?.client_id === koa.oidc.client.clientId) revoke(unit, claims);
      } else {
        koa.body =
          claims && (await isActive(unit, { claims, clients, asking: koa.oidc.client }))
            ? introspection(claims)
            : { active: false };
      }
    },
  };
}

/** By signature, then by what is true now: not revoked, its client there, its grant there, and access still allowed. */
async function isActive(
  unit: Unit,
  { claims, clients, asking }: { claims: Claims; clients: ClientCache; asking: EngineClient },
): Promise<boolean> {
  if (!mayIntrospect(asking, { clientId: claims.client_id, aud: claims.aud })) return false;
  const { db, now } = unit.ctx;
  if (await findArtifact(db, revokedKey(claims), now())) return false;
  if (!(await clients.find(claims.client_id))) return false;
  const { grant_id: grantId, client_id: clientId, sub } = claims;
  if (grantId === undefined) return true; // the client's own token: there is no user who could lose a seat
  return entitlementIn(await askForGrant(unit, { userId: String(sub), clientId, grantId })) !== undefined;
}

type EngineClient = KoaContextWithOIDC['oidc']['client'];

/** Its own tokens; and a confidential client of a product those that are meant for that product's interface. */
export function mayIntrospect(
  client: EngineClient,
  token: { clientId?: string | undefined; aud?: unknown },
): boolean {
  if (!client) return false;
  if (client.clientId === token.clientId) return true;
  const isConfidential = client.tokenEndpointAuthMethod !== 'none';
  return isConfidential && token.aud !== undefined && token.aud === client['product_resource'];
}

function introspection({ grant_id: _ours, ...claims }: Claims) {
  return { active: true, ...claims, token_type: 'cnf' in claims ? 'DPoP' : 'Bearer' };
}

/** Remembers the token's id until the token would have ended anyway. */
function revoke(unit: Unit, claims: Claims): void {
  const key = revokedKey(claims);
  const expiresAt = new Date((claims.exp ?? 0) * 1000);
  recordWrite(unit, rowKey('RevokedAccessToken', String(claims.jti)), {
    rank: 'insert',
    run: async (tx) => {
      // false when it was revoked before: revoking twice is no error (RFC 7009 §2.2)
      if (!(await insertArtifact(tx, { ...key, grantId: null, payload: {}, expiresAt }))) return;
      await recordEvent(tx, { type: 'token.revoked', actorId: claims.client_id, clientId: claims.client_id });
    },
  });
}

function revokedKey({ jti }: Claims) {
  return { model: 'RevokedAccessToken', idHash: hashToken(String(jti)) } as const;
}
