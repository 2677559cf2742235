/**
 * Introspection and revocation of our own JWT access tokens (RFC 9068), which the engine alone refuses. It has
 * authenticated the client when it says `unsupported_token_type`; here is the answer it had not.
 */
import { createLocalJWKSet, type JWTPayload, jwtVerify, type JSONWebKeySet } from 'jose';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Entitlement } from '../core/access/access.ts';
import { recordEvent } from '../core/audit/audit.ts';
import type { Client } from '../core/clients/clients.ts';
import type { Evidence } from '../core/credentials/credentials.ts';
import type { UserId } from '../kernel/ids.ts';
import { hashToken } from '../kernel/tokens.ts';
import { askForGrant, entitlementIn } from './access.ts';
import type { ClientCache } from './client-cache.ts';
import { readGrant } from './grant-store.ts';
import { insertArtifact } from './queries.ts';
import { rowKey } from './row-key.ts';
import { rememberGrant } from './standing.ts';
import { findTokenStanding } from './standing-queries.ts';
import { answerOf } from './statement.ts';
import { recordWrite, type Unit } from './unit-of-work.ts';

export interface AccessTokens {
  /** Answers in the engine's place; does nothing when the engine has answered itself. */
  answer(unit: Unit, koa: KoaContextWithOIDC): Promise<void>;
  /** Whose the token is, while it is good for this resource: by its signature, and by what is true now. */
  findBearer(unit: Unit, token: string, resource: string): Promise<Bearer | undefined>;
}

/** Who shows an access token: a client for itself, or for a person. */
export interface Bearer {
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly person?: {
    readonly userId: UserId;
    /** What they hold in the account that the token is for. */
    readonly entitlement: Entitlement;
    readonly evidence: readonly Evidence[];
    /** The client's name for the session. */
    readonly sid: string | undefined;
  };
}

interface Claims extends JWTPayload {
  readonly client_id: string;
  readonly scope?: string;
  readonly grant_id?: string;
  readonly sid?: string;
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
        const mayAsk =
          claims && mayIntrospect(koa.oidc.client, { clientId: claims.client_id, aud: claims.aud });
        koa.body =
          mayAsk && (await bearerOf(unit, claims, clients)) ? introspection(claims) : { active: false };
      }
    },

    async findBearer(unit, token, resource) {
      const claims = await read(unit, token);
      // one that is bound to a key (RFC 9449 §7.2) is no bearer's
      if (claims?.aud !== resource || 'cnf' in claims) return undefined;
      return bearerOf(unit, claims, clients);
    },
  };
}

/** What is true now: not revoked, its client there and still allowed what it was, its grant there, access still allowed. */
async function bearerOf(unit: Unit, claims: Claims, clients: ClientCache): Promise<Bearer | undefined> {
  const { jti, grant_id: grantId, client_id: clientId } = claims;
  const { db, now } = unit.ctx;
  const standing = await findTokenStanding(db, { jtiHash: hashToken(String(jti)), grantId }, now());
  if (!standing || standing.isRevoked) return undefined;
  if (grantId !== undefined) rememberGrant(unit, grantId, standing);
  const client = await clients.find(claims.client_id);
  if (!client) return undefined;
  const scopes = (claims.scope ?? '').split(' ').filter((scope) => client.scopes.includes(scope));
  // the client's own token: there is no user who could lose a seat
  if (grantId === undefined) return { client, scopes };
  const userId = String(claims.sub) as UserId;
  const entitlement = entitlementIn(await askForGrant(unit, { userId, clientId, grantId }));
  if (!entitlement) return undefined;
  const evidence = (await readGrant(unit, grantId))?.evidence ?? [];
  return { client, scopes, person: { userId, entitlement, evidence, sid: claims.sid } };
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
  const key = { model: 'RevokedAccessToken', idHash: hashToken(String(claims.jti)) } as const;
  const expiresAt = new Date((claims.exp ?? 0) * 1000);
  recordWrite(unit, rowKey('RevokedAccessToken', String(claims.jti)), {
    rank: 'insert',
    run: async (tx) => {
      // false when it was revoked before: revoking twice is no error (RFC 7009 §2.2)
      const mark = insertArtifact({ ...key, grantId: null, payload: {}, expiresAt }, tx.now());
      if ((await answerOf(tx.db, mark)) === undefined) return;
      await recordEvent(tx, { type: 'token.revoked', actorId: claims.client_id, clientId: claims.client_id });
    },
  });
}
