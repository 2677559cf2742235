/**
 * The protocol engine (oidc-provider), confined to this folder. Everything that hangs on an instance is made here, so
 * that keys can be swapped by making another one.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Provider, type KoaContextWithOIDC } from 'oidc-provider';
import type { Context } from '../context.ts';
import { holdPasswordOf, wayOf } from '../core/credentials/credentials.ts';
import type { SigningKey } from '../core/keys/keys.ts';
import { troubleMet } from '../db/patience.ts';
import type { UserId } from '../kernel/ids.ts';
import { deriveKey } from '../kernel/seal.ts';
import type { Clock } from '../kernel/time.ts';
import { hashToken, isSameHash } from '../kernel/tokens.ts';
import { evidenceAt } from './access.ts';
import { type AccessTokens, type Bearer, createAccessTokens } from './access-tokens.ts';
import { type BackChannelLogout, queueBackChannelLogout } from './back-channel-logout.ts';
import { type ClientCache, isClientId } from './client-cache.ts';
import { configurationOf } from './configuration.ts';
import { LostRace, SigningKeyRetired } from './errors.ts';
import { logEngineEvents } from './engine-log.ts';
import { settleUnit } from './flush.ts';
import type { SignInResult } from './sign-in-result.ts';
import type { EnginePages } from './pages.ts';
import { answerUnwritten } from './unwritten.ts';
import { extendRefreshToken, forgetRotation } from './refresh-token-store.ts';
import { loadedSession } from './session-store.ts';
import { routes } from './settings.ts';
import { publicKeysOf, signingKeysOf } from './signing.ts';
import { openUnit, recordWrite, type Unit, type Units } from './unit-of-work.ts';
import { readMetadata, type ServedDocument } from './metadata.ts';

export type { Bearer } from './access-tokens.ts';
export { cookieNames, routes } from './settings.ts';
export type { ServedDocument } from './metadata.ts';

export interface Engine {
  readonly provider: Provider;
  readonly units: Units;
  readonly clients: ClientCache;
  /** Answers one request in one unit of work; `ctx` carries the request's origin. */
  handle(ctx: Context, req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** Who shows this access token, while it is good for this resource. */
  findBearer(ctx: Context, token: string, resource: string): Promise<Bearer | undefined>;
  /** Discovery and JWKS, rendered once for this set of keys. */
  readonly documents: ReadonlyMap<string, ServedDocument>;
  readonly backChannelLogout: BackChannelLogout;
}

/** What an engine is made of. All but the keys it shares with those before and after it. */
export interface EngineMakings {
  readonly units: Units;
  readonly clients: ClientCache;
  readonly pages: EnginePages;
  /** In the order of listSigningKeys: the first of an algorithm signs. */
  readonly keys: readonly SigningKey[];
  /** Whether what these keys may just have signed still counts. */
  arePublished(keys: readonly SigningKey[]): Promise<boolean>;
}

/** Makes an engine for one set of keys: see engines.ts. */
export async function createEngine(ctx: Context, makings: EngineMakings): Promise<Engine> {
  const { config } = ctx;
  const { units, clients, pages, keys } = makings;
  const signing = keys.filter((key) => keys.find(({ alg }) => alg === key.alg) === key);
  const nonceSecret = deriveKey(config.secretKeys[0], 'dpop nonces').export();
  const provider = new Provider(
    config.issuer,
    configurationOf({ ctx, units, clients, pages, jwks: signingKeysOf(keys), nonceSecret }),
  );
  provider.proxy = true; // http/engine.ts pins the forwarded origin to the issuer
  compareSecretsByHash(provider, ctx.now);
  logEngineEvents(provider);
  const accessTokens = createAccessTokens(config.issuer, publicKeysOf(keys), clients);
  // asked before anybody is let in: they are made with keys that do not serve yet
  const documents = await readMetadata(config.issuer, provider.callback());
  const isStillGood = () => makings.arePublished(signing);
  const backChannelLogout = queueBackChannelLogout(provider, { units, isStillGood });
  const workings = { units, accessTokens, pages, isStillGood };
  provider.use((koa, next) => inUnitOfWork(workings, koa as KoaContextWithOIDC, next));
  const callback = provider.callback();
  return {
    provider,
    units,
    clients,
    backChannelLogout,
    handle: (request, req, res) => units.run(openUnit(request), () => callback(req, res)),
    findBearer: (request, token, resource) => accessTokens.findBearer(openUnit(request), token, resource),
    documents,
  };
}

interface Workings {
  readonly units: Units;
  readonly accessTokens: AccessTokens;
  readonly pages: EnginePages;
  /** Asked when the answer stands: the process may have stood still for a minute since it was begun. */
  isStillGood(): Promise<boolean>;
}

/** Lets the engine answer, then writes what it recorded; the answer goes out only when that is done. */
async function inUnitOfWork(
  workings: Workings,
  koa: KoaContextWithOIDC,
  next: () => Promise<void>,
): Promise<void> {
  const unit = workings.units.getStore();
  if (!unit) throw new Error('the engine was called outside a unit of work');
  const { client_id: askedBy } = koa.query;
  if (koa.path === routes.authorization && typeof askedBy === 'string' && isClientId(askedBy))
    unit.askedBy = askedBy;
  await next();
  if (!('oidc' in koa)) return; // no endpoint of the engine's
  await finish(workings, unit, koa);
  observeToken(unit, koa);
}

/** Afterwards the answer stands, and what it says is written. */
async function finish(workings: Workings, unit: Unit, koa: KoaContextWithOIDC): Promise<void> {
  try {
    workings.pages.goOn(koa);
    await workings.accessTokens.answer(unit, koa);
    await noteSignIn(unit, koa);
    noteReuse(unit, koa);
    noteRefresh(unit, koa);
    // the engine takes what it could not read for a fault of its own, or for something that is not there
    const trouble = troubleMet();
    if (trouble) throw trouble;
    if (!(await workings.isStillGood())) throw new SigningKeyRetired();
    await settleUnit(unit);
  } catch (error) {
    await answerUnwritten({ unit, koa, pages: workings.pages, error });
    return;
  }
  const successor = unit.rotation?.successor;
  if (successor !== undefined) (koa.body as { refresh_token?: string }).refresh_token = successor;
}

/** By what is answered at last: a request that lost its race was a success to the engine. */
function observeToken({ ctx }: Unit, { oidc, status, body }: KoaContextWithOIDC): void {
  if (oidc.route !== 'token') return;
  const grantType = oidc.params?.['grant_type'];
  const { error = '' } = (body ?? {}) as { readonly error?: string };
  ctx.observer?.answeredToken({
    grantType: typeof grantType === 'string' ? grantType : '',
    outcome: status < 400 ? 'ok' : error,
  });
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
  const [proof] = login.evidence;
  if (proof?.method === 'pwd') {
    recordWrite(unit, `Password:${userId}`, {
      rank: 'consume',
      statement: () => holdPasswordOf(userId, proof),
      // a reset between the proof and the session has ended every session, and this one would be too late for it
      lost: () => new LostRace('session'),
    });
  }
  unit.events.push({
    type: 'user.signed_in',
    actorId: userId,
    userId,
    accountId: unit.login.account,
    clientId: oidc.client?.clientId,
    details: wayOf(login.evidence),
  });
}

/** The engine has just ended a grant because a code or token was presented after its use: a theft, or a bug worth knowing. */
function noteReuse(unit: Unit, { oidc }: KoaContextWithOIDC): void {
  const { reusedGrant: grantId } = unit;
  if (!grantId || !unit.writes.has(`Revoke:${grantId}`)) return;
  const clientId = oidc.client?.clientId;
  unit.events.push({ type: 'grant.revoked_on_reuse', clientId, details: { grant_id: grantId } });
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
  readonly previous_secret?: string;
  readonly previous_secret_until?: number;
}

/**
 * What is stored (and handed to the engine as the secret) is the hash. Constant time. The engine takes the two ways
 * of sending a secret for one; a client has one of them, so that a secret in a form is noticed where it should not be.
 */
function compareSecretsByHash(provider: Provider, now: Clock): void {
  const prototype = provider.Client.prototype as unknown as { compareClientSecret: unknown };
  prototype.compareClientSecret = function (this: SecretClient, presented: string): boolean {
    const inForm = Provider.ctx?.oidc.params?.['client_secret'] !== undefined;
    if (this.clientAuthMethod !== (inForm ? 'client_secret_post' : 'client_secret_basic')) return false;
    const hash = hashToken(presented);
    const isCurrent = isSameHash(hash, Buffer.from(this.clientSecret ?? '', 'hex'));
    // both are compared, whichever it is; the one before is as good as gone once its time is over
    const isPrevious = isSameHash(hash, Buffer.from(this.previous_secret ?? '', 'hex'));
    return isCurrent || (isPrevious && now().getTime() < (this.previous_secret_until ?? 0));
  };
}
