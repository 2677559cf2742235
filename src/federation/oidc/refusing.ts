/** How what goes wrong at a provider becomes a refusal. Its own words are untrusted: of them only error codes are kept. */
import { errors } from 'jose';
import { ClientError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client';
import type { Refusal, RefusalCode } from '../../core/attempts/attempts.ts';

/** What the library answered; wrapped, since a member of what a provider sends could be called `refused` too. */
export type Judged<Answer> = { readonly answer: Answer } | Refusal;

/**
 * Calls a library with what a provider has sent. Whatever it throws is a refusal, `otherwise` when it says no more: so
 * nothing but the call belongs in `work`.
 */
export async function judge<Answer>(
  otherwise: RefusalCode,
  work: () => Answer | Promise<Answer>,
): Promise<Judged<Answer>> {
  try {
    return { answer: await work() };
  } catch (error) {
    return refusalIn(error) ?? translate(error, otherwise);
  }
}

/** Refuses from inside a callback of a library; `judge` finds it again under whatever it is wrapped in. */
export function refuse(refused: RefusalCode, detail: string): never {
  throw new Error(detail, { cause: { refused, detail } satisfies Refusal });
}

/** The refusal that `refuse` has thrown, however deep. */
function refusalIn(error: unknown): Refusal | undefined {
  let inner = error;
  for (let depth = 0; inner instanceof Error && depth < 5; depth += 1) inner = inner.cause;
  return isOurs(inner) ? inner : undefined;
}

function isOurs(cause: unknown): cause is Refusal {
  return typeof cause === 'object' && cause !== null && Object.keys(cause).join() === 'refused,detail';
}

function translate(error: unknown, otherwise: RefusalCode): Refusal {
  if (error instanceof ResponseBodyError)
    return { refused: otherwise, detail: `answered ${error.status} ${errorCode(error.error)}` };
  if (error instanceof WWWAuthenticateChallengeError)
    return { refused: otherwise, detail: `answered ${error.status} with a challenge` };
  if (error instanceof errors.JOSEError)
    return { refused: otherwise, detail: `${error.code}: ${error.message}` };
  if (!(error instanceof ClientError)) return { refused: otherwise, detail: 'cannot be read' };
  const inner = error.cause instanceof Error ? error.cause : error;
  const detail = `${error.code ?? error.name}: ${inner.message}`;
  // the library has one kind of error for all that a token endpoint answers; only its words tell which part it was
  const isAboutToken = /\b(JWT|JWS|JWE|ID Token)\b/.test(inner.message);
  return { refused: isAboutToken ? refusalOfToken(inner, otherwise) : otherwise, detail };
}

function refusalOfToken({ cause }: Error, otherwise: RefusalCode): RefusalCode {
  if (otherwise !== 'oidc_token') return otherwise;
  const isIssuer = typeof cause === 'object' && cause !== null && 'claim' in cause && cause.claim === 'iss';
  return isIssuer ? 'oidc_issuer' : 'oidc_id_token';
}

/** An error code as others have written it: a short word, or nothing. @see RFC 6749 §4.1.2.1 */
export function errorCode(code: string | null): string {
  return code !== null && /^[\w.-]{1,60}$/.test(code) ? code : 'an unreadable error';
}
