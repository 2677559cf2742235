/** The only place that makes the engine's errors. */
import { errors } from 'oidc-provider';
import { describeDenial, type DenialCode } from '../core/access/access.ts';

/**
 * What a request loses when another was first to use a single-use thing; each has one answer of its own. Over what an
 * authorization stands on (`standing`: its session's entry, its grant) nothing is used up: it can be asked again.
 */
export type RaceFor = 'code' | 'request_uri' | 'refresh_token' | 'proof' | 'session' | 'standing';

export class LostRace extends Error {
  readonly over: RaceFor;
  /** The grant that dies with it: of a raced code or a replayed refresh token nothing stays alive. */
  readonly grantId: string | undefined;

  constructor(over: RaceFor, grantId?: string) {
    super(`lost the race for a ${over}`);
    this.over = over;
    this.grantId = grantId;
  }
}

/** What is asked again in a moment. */
export const unavailable = { error: 'temporarily_unavailable', error_description: 'try again' } as const;

/** While the request was answered, a key it may have signed with was taken out: what it has prepared counts nowhere. */
export class SigningKeyRetired extends Error {}

/** A refusal of the access decision at the token endpoint, where the client may know why. */
export function refusedAtToken(code: DenialCode, text: string, caseId: string): Error {
  return new errors.CustomOIDCProviderError('invalid_grant', describeDenial(code, text, caseId));
}

/** The grant rests on another account's company sign-in. */
export function anotherProofNeeded(): Error {
  return new errors.InvalidGrant('the person must sign in again');
}

/** A refusal at the authorization endpoint: back to the client, or (prompt=none) without a page. */
export function refusedAtAuthorization(code: DenialCode, text: string, caseId: string): Error {
  return new errors.AccessDenied(describeDenial(code, text, caseId));
}

/** No sign-in here would do (OpenID Connect Core Unmet Authentication Requirements 1.0). */
export function unmetAuthentication(): Error {
  return new errors.UnmetAuthenticationRequirements('none of the requested acr values can be provided');
}

export function accountMustBeChosen(): Error {
  return new errors.InteractionRequired('several accounts would do: the person must choose one');
}

export function invalidAccessToken(detail: string): Error {
  return new errors.InvalidToken(detail);
}

export function invalidTarget(): Error {
  return new errors.InvalidTarget('the client may not ask for tokens for this resource');
}

export function invalidParameter(description: string): Error {
  return new errors.InvalidRequest(description);
}

export function invalidClientAssertion(detail: string): Error {
  return new errors.InvalidClientAuth(detail);
}

export function isInteractionGone(error: unknown): boolean {
  return error instanceof errors.SessionNotFound || (error instanceof LostRace && error.over === 'session');
}
