/**
 * Every failure this service tells a caller about, one line each; nothing else is ever shown.
 * `docs/errors.md` is generated from these tables.
 */
export const shownFailures = {
  invalid_input: { status: 400, title: 'The request is not valid' },
  invalid_credentials: { status: 401, title: 'The email or the password is wrong' },
  company_sign_in_failed: { status: 403, title: 'The sign-in by the company did not succeed' },
  another_proof_needed: { status: 403, title: 'This account needs another proof than the one given' },
  cross_site_request: { status: 403, title: 'The request came from another site' },
  social_sign_in_failed: { status: 403, title: 'The sign-in at the provider did not succeed' },
  fresh_sign_in_required: { status: 403, title: 'Sign in again first: this needs a fresh sign-in' },
  identity_other_email: { status: 403, title: 'This identity is for another address than the invitation' },
  identity_unknown: { status: 403, title: 'Nobody here signs in with this identity' },
  last_way_in: { status: 409, title: 'This is the last way to sign in' },
  link_mismatch: { status: 403, title: 'This is another person than the one to be linked' },
  sso_required: { status: 403, title: 'This domain signs in by its company' },
  company_not_found: { status: 404, title: 'This domain has no company sign-in' },
  not_found: { status: 404, title: 'There is no such resource' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  identity_taken: { status: 409, title: 'This identity belongs to somebody already' },
  action_not_available: { status: 409, title: 'This is not possible as things stand' },
  admin_sign_in_missing: { status: 409, title: 'No admin has signed in by this connection within the hour' },
  already_exists: { status: 409, title: 'The resource already exists' },
  connection_not_enabled: { status: 409, title: 'The connection is not enabled' },
  connection_not_tested: { status: 409, title: 'The connection has not been tested as it is now' },
  no_free_seat: { status: 409, title: 'Every seat of the subscription is taken' },
  interaction_expired: { status: 410, title: 'This sign-in has ended; start again at the application' },
  link_expired: { status: 410, title: 'This link does not work any more' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  metadata_refused: { status: 422, title: 'This metadata cannot be used' },
  domain_not_proven: { status: 422, title: 'The record that proves the domain was not found' },
  domain_refused: { status: 422, title: 'This domain cannot be claimed' },
  password_refused: { status: 422, title: 'This password cannot be used' },
  throttled: { status: 429, title: 'Too many tries; wait a little and try again' },
  headers_too_large: { status: 431, title: 'The address or the cookies are too long' },
  overloaded: { status: 503, title: 'Too many sign-ins at this moment; try again shortly' },
  unavailable: { status: 503, title: 'The service is not available at this moment' },
} as const satisfies Record<string, { status: number; title: string }>;

/** Those of the admin interface alone, which speaks to programs: no page has words for them. */
const interfaceFailures = {
  unauthenticated: { status: 401, title: 'The access token is missing or does not count any more' },
  insufficient_scope: { status: 403, title: 'The access token does not allow this' },
  already_decided: { status: 409, title: 'The request has been decided already' },
  only_signing_key: { status: 409, title: 'No other key of this algorithm could sign' },
  duplicate_row: { status: 409, title: 'This address stands in the file before' },
  last_admin: { status: 409, title: 'An account keeps at least one active admin' },
  last_break_glass: { status: 409, title: 'A required company sign-in keeps an admin with a way past it' },
  in_use: { status: 409, title: 'Something else still needs this resource' },
  seats_in_use: { status: 409, title: 'More seats are taken than this' },
  precondition_failed: { status: 412, title: 'The resource has changed since it was read' },
  idempotency_key_reused: { status: 422, title: 'This Idempotency-Key was used for another request' },
  import_stopped: { status: 503, title: 'The import stopped in the middle' },
  rate_limited: { status: 429, title: 'Too many requests in this minute' },
} as const satisfies Record<string, { status: number; title: string }>;

export const failures = { ...shownFailures, ...interfaceFailures };

export type FailureCode = keyof typeof failures;

/** What a person may read on a page, in their language. */
export type ShownFailureCode = keyof typeof shownFailures;

export interface FailureOptions {
  /** One sentence more, shown to the caller. */
  readonly detail?: string;
  /** What is wrong with which field, shown to the caller. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Under which name the refused person can ask about it. */
  readonly caseId?: string;
  /** When trying again makes sense, in whole seconds: the header Retry-After. */
  readonly retryAfter?: number;
  /** Only reaches the log. */
  readonly cause?: unknown;
}

/** An expected failure. Anything else that is thrown is a bug and answers a bare 500. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly detail: string | undefined;
  readonly fields: Readonly<Record<string, string>> | undefined;
  readonly caseId: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: FailureCode, options: FailureOptions = {}) {
    super(code, { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.fields = options.fields;
    this.caseId = options.caseId;
    this.retryAfter = options.retryAfter;
  }
}
