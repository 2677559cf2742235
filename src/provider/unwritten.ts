/** What a request answers when its unit of work could not be written: the engine's own error handling is over by then. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { inTransaction } from '../context.ts';
import { recordEvent } from '../core/audit/audit.ts';
import { DatabaseTrouble } from '../db/trouble.ts';
import { isInteractionGone, LostRace, type RaceFor, SigningKeyRetired, unavailable } from './errors.ts';
import type { EngineError, EnginePages } from './pages.ts';
import { deleteGrant } from './queries.ts';
import type { Unit } from './unit-of-work.ts';

interface Unwritten {
  readonly unit: Unit;
  readonly koa: KoaContextWithOIDC;
  readonly pages: EnginePages;
  readonly error: unknown;
}

type Answer = EngineError & { readonly status: number };

const endedElsewhere: Answer = {
  status: 400,
  error: 'invalid_request',
  error_description: 'this sign-in was finished or ended in another window',
};

const answers: Record<Exclude<RaceFor, 'proof'>, Answer> = {
  code: { status: 400, error: 'invalid_grant', error_description: 'grant request is invalid' },
  refresh_token: { status: 400, error: 'invalid_grant', error_description: 'grant request is invalid' },
  request_uri: {
    status: 400,
    error: 'invalid_request_uri',
    error_description: 'request_uri is invalid, expired, or was already used',
  },
  session: endedElsewhere,
  standing: endedElsewhere,
};

export async function answerUnwritten({ unit, koa, pages, error }: Unwritten): Promise<void> {
  const { status, ...problem } = await answerTo(error, unit, koa);
  // of the answer the engine had prepared nothing may go out: no cookie, no location, no token
  for (const name of ['set-cookie', 'location', 'www-authenticate', 'dpop-nonce']) koa.remove(name);
  koa.status = status;
  if (status === 503) koa.set('retry-after', '1');
  if (canAskAgain(koa, error)) {
    koa.status = 303;
    koa.redirect(koa.url);
    return;
  }
  if (koa.oidc.route === 'authorization' || koa.oidc.route === 'resume') pages.error(koa, problem, error);
  else koa.body = problem;
}

/**
 * Another window changed what this authorization stands on, or ended the session: asked again it finds that. A sign-in is
 * still where it stood, for nothing was written; but not when it was the sign-in itself that ended.
 */
function canAskAgain({ oidc: { route } }: KoaContextWithOIDC, error: unknown): boolean {
  if (route === 'authorization' && isInteractionGone(error)) return true;
  const isStandingLost = error instanceof LostRace && error.over === 'standing';
  return isStandingLost && (route === 'authorization' || route === 'resume');
}

/** A lost race has an answer of its own; anything else is a fault of ours, and its answer says nothing. */
async function answerTo(error: unknown, unit: Unit, koa: KoaContextWithOIDC): Promise<Answer> {
  const { log } = unit.ctx;
  if (error instanceof SigningKeyRetired) {
    log.warn({ route: koa.oidc.route }, 'answered with signing keys that are not those of now');
    return { status: 503, ...unavailable };
  }
  if (error instanceof DatabaseTrouble) {
    log.warn({ reason: error.reason, route: koa.oidc.route }, error.message);
    return { status: 503, ...unavailable };
  }
  if (!(error instanceof LostRace)) {
    log.error({ err: error, route: koa.oidc.route }, 'the unit of work could not be written');
    return { status: 500, error: 'server_error', error_description: 'something went wrong' };
  }
  log.info({ over: error.over, clientId: koa.oidc.client?.clientId }, 'lost the race for a single use');
  try {
    await endGrant(unit, koa, error);
  } catch (fault) {
    // what should have ended lives on, until it is presented again
    return answerTo(fault, unit, koa);
  }
  return error.over === 'proof' ? replayAnswer(koa) : answers[error.over];
}

/** Of a raced code or a replayed refresh token nothing stays alive (RFC 9700 §4.14.2, RFC 6749 §4.1.2). */
async function endGrant(unit: Unit, koa: KoaContextWithOIDC, { grantId }: LostRace): Promise<void> {
  if (grantId === undefined) return;
  const clientId = koa.oidc.client?.clientId;
  await inTransaction(unit.ctx, async (tx) => {
    // gone already: its person has just signed out, or another of those who raced has ended it
    if (!(await deleteGrant(tx, grantId))) return;
    await recordEvent(tx, { type: 'grant.revoked_on_reuse', clientId, details: { grant_id: grantId } });
  });
}

/** A client assertion or a DPoP proof that was seen before. */
function replayAnswer({ oidc }: KoaContextWithOIDC): Answer {
  if (oidc.params?.['client_assertion'] !== undefined) {
    return { status: 401, error: 'invalid_client', error_description: 'client authentication failed' };
  }
  return oidc.route === 'userinfo'
    ? { status: 401, error: 'invalid_token', error_description: 'invalid token provided' }
    : { status: 400, error: 'invalid_grant', error_description: 'grant request is invalid' };
}
