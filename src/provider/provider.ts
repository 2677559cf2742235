/**
 * The protocol engine (oidc-provider), confined to this folder. Everything that hangs on an instance is made here, so
 * that keys can be swapped by making another one.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JSONWebKeySet } from 'jose';
import { Provider, type KoaContextWithOIDC } from 'oidc-provider';
import type { Context } from '../context.ts';
import { recordEvent } from '../core/audit/audit.ts';
import { amrOf, hasPasswordChangedSince } from '../core/credentials/credentials.ts';
import { listSigningKeys } from '../core/keys/keys.ts';
import type { UserId } from '../kernel/ids.ts';
import { deriveKey } from '../kernel/seal.ts';
import { hashToken, isSameHash } from '../kernel/tokens.ts';
import { evidenceAt } from './access.ts';
import { type AccessTokens, createAccessTokens } from './access-tokens.ts';
import { type BackChannelLogout, queueBackChannelLogout } from './back-channel-logout.ts';
import { type ClientCache, createClientCache } from './client-cache.ts';
import { configurationOf } from './configuration.ts';
import { LostRace } from './errors.ts';
import { logEngineEvents } from './engine-log.ts';
import type { SignInResult } from './sign-in-result.ts';
import { createEnginePages, type EngineHtml, type EnginePages } from './pages.ts';
import { answerUnwritten } from './unwritten.ts';
import { extendRefreshToken, forgetRotation } from './refresh-token-store.ts';
import { loadedSession } from './session-store.ts';
import { createUnits, openUnit, settleUnit, type Unit, type Units } from './unit-of-work.ts';
import { readMetadata, type ServedDocument } from './metadata.ts';

export { cookieNames, routes } from './settings.ts';
export type { ServedDocument } from './metadata.ts';

export interface Engine {
  readonly provider: Provider;
  readonly units: Units;
  readonly clients: ClientCache;
  /** Answers one request in one unit of work; `ctx` carries the request's origin. */
  handle(ctx: Context, req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** Discovery and JWKS, rendered once for this set of keys. */
  readonly documents: ReadonlyMap<string, ServedDocument>;
  readonly backChannelLogout: BackChannelLogout;
}

/** Makes an engine with the keys the database holds now. */
export async function createEngine(ctx: Context, html: EngineHtml): Promise<Engine> {
  const { config } = ctx;
  const keys = await listSigningKeys(ctx.db, config.secretKeys, ctx.now());
  const units = createUnits();
  const clients = createClientCache(ctx);
  const pages = createEnginePages(html);
  const jwks = keys.map((key) => key.privateJwk);
  const nonceSecret = deriveKey(config.secretKeys[0], 'dpop nonces');
  const provider = new Provider(
    config.issuer,
    configurationOf({ ctx, units, clients, pages, jwks, nonceSecret }),
  );
  provider.proxy = true; // http/engine.ts pins the forwarded origin to the issuer
  compareSecretsByHash(provider);
  logEngineEvents(provider);
  const backChannelLogout = queueBackChannelLogout(provider, units);
  const accessTokens = createAccessTokens(config.issuer, publicKeys(jwks), clients);
  provider.use((koa, next) => inUnitOfWork({ units, accessTokens, pages }, koa as KoaContextWithOIDC, next));
  const callback = provider.callback();
  return {
    provider,
    units,
    clients,
    backChannelLogout,
    handle: (request, req, res) => units.run(openUnit(request), () => callback(req, res)),
    documents: await readMetadata(config.issuer, (req, res) =>
      units.run(openUnit(ctx), () => callback(req, res)),
    ),
  };
}

interface Workings {
  readonly units: Units;
  readonly accessTokens: AccessTokens;
  readonly pages: EnginePages;
}

/** Lets the engine answer, then writes what it recorded; the answer goes out only when that is done. */
async function inUnitOfWork(
  workings: Workings,
  koa: KoaContextWithOIDC,
  next: () => Promise<void>,
): Promise<void> {
  const unit = workings.units.getStore();
  if (!unit) throw new Error('the engine was called outside a unit of work');
  await next();
  if (!('oidc' in koa)) return; // no endpoint of the engine's
  workings.pages.goOn(koa);
  await workings.accessTokens.answer(unit, koa);
  await noteSignIn(unit, koa);
  noteReuse(unit, koa);
  noteRefresh(unit, koa);
  try {
    await settleUnit(unit);
  } catch (error) {
    await answerUnwritten({ unit, koa, pages: workings.pages, error });
    return;
  }
  const successor = unit.rotation?.successor;
  if (successor !== undefined) (koa.body as { refresh_token?: string }).refresh_token = successor;
}

/** The evidence and the account of a sign-in belong to the session's row, and so does its event. */
async function noteSignIn(unit: Unit, koa: KoaContextWithOIDC): Promise<void> {
  const { oidc } = koa;
  const { login, access } = (oidc.result ?? {}) as unknown as SignInResult;
  const { session } = oidc;
  if (!session?.accountId || (!login && !access)) return;
  const evidence = login && (await evidenceAt(unit, koa));
  unit.login = { evidence, account: access?.account ?? login?.account };
  const before = await loadedSession(unit, session.uid);
  // an interaction that follows (consent) brings the same sign-in again: one sign-in, one event
  if (!login || before?.evidence?.[0]?.at === login.evidence[0]?.at) return;
  const userId = session.accountId as UserId;
  unit.records.push(async (tx) => {
    const [proof] = login.evidence;
    // a reset between the proof and the session has ended every session, and this one would be too late for it
    if (proof?.method === 'pwd' && (await hasPasswordChangedSince(tx, userId, new Date(proof.at))))
      throw new LostRace('session');
    await recordEvent(tx, {
      type: 'user.signed_in',
      actorId: userId,
      userId,
      accountId: unit.login?.account,
      clientId: oidc.client?.clientId,
      details: { methods: amrOf(login.evidence) },
    });
  });
}

/** The engine has just ended a grant because a code or token was presented after its use: a theft, or a bug worth knowing. */
function noteReuse(unit: Unit, { oidc }: KoaContextWithOIDC): void {
  const { reusedGrant: grantId } = unit;
  if (!grantId || !unit.writes.has(`Revoke:${grantId}`)) return;
  const clientId = oidc.client?.clientId;
  unit.records.push((tx) =>
    recordEvent(tx, { type: 'grant.revoked_on_reuse', clientId, details: { grant_id: grantId } }),
  );
}

/**
 * A refusal must not rotate: the client would be left with a token that is about to die and no successor. And a token
 * that is not rotated lives on by being used.
 */
function noteRefresh(unit: Unit, { oidc, status }: KoaContextWithOIDC): void {
  if (oidc.route !== 'token') return;
  if (status >= 400) forgetRotation(unit);
  else if (oidc.params?.['grant_type'] === 'refresh_token' && !unit.rotation) extendRefreshToken(unit, oidc);
}

interface SecretClient {
  readonly clientSecret?: string;
  readonly clientAuthMethod?: string;
}

/**
 * What is stored (and handed to the engine as the secret) is the hash. Constant time. The engine takes the two ways
 * of sending a secret for one; a client has one of them, so that a secret in a form is noticed where it should not be.
 */
function compareSecretsByHash(provider: Provider): void {
  const prototype = provider.Client.prototype as unknown as { compareClientSecret: unknown };
  prototype.compareClientSecret = function (this: SecretClient, presented: string): boolean {
    const inForm = Provider.ctx?.oidc.params?.['client_secret'] !== undefined;
    if (this.clientAuthMethod !== (inForm ? 'client_secret_post' : 'client_secret_basic')) return false;
    return isSameHash(hashToken(presented), Buffer.from(this.clientSecret ?? '', 'hex'));
  };
}

function publicKeys(jwks: readonly object[]): JSONWebKeySet {
  const keys = jwks.map((jwk) => {
    const { d, p, q, dp, dq, qi, ...publicJwk } = jwk as Record<string, unknown>;
    return publicJwk;
  });
  return { keys };
}
