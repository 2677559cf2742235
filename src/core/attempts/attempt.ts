import type { AccountId, ConnectionId, UserId } from '../../kernel/ids.ts';

/** How far it came; where it was refused, the stage that refused it. */
export type Stage = 'departure' | 'response' | 'browser' | 'match' | 'access' | 'done';

export type Purpose = 'sign_in' | 'test' | 'unsolicited';

/** Why a sign-in by a connection was refused: for the account's admins, and never for the person who tried. */
export const refusalCodes = [
  // at departure and on the way back, whatever the protocol
  'connection_not_available',
  'idp_not_reachable',
  'idp_error',
  'response_unexpected',
  'response_replayed',
  'other_browser',
  'too_slow',
  // SAML
  'saml_too_large',
  'saml_malformed',
  'saml_doctype',
  'saml_pi',
  'saml_signature',
  'saml_algorithm',
  'saml_certificate_expired',
  'saml_encryption',
  'saml_issuer',
  'saml_destination',
  'saml_status',
  'saml_recipient',
  'saml_audience',
  'saml_time',
  'saml_in_response_to',
  'saml_subject',
  'saml_statement',
  'saml_attributes',
  // OpenID Connect
  'oidc_metadata',
  'oidc_state',
  'oidc_error',
  'oidc_token',
  'oidc_id_token',
  'oidc_issuer',
  'oidc_tenant',
  'oidc_subject',
  'oidc_userinfo',
  // from identity to user
  'email_missing',
  'email_not_valid',
  'domain_not_allowed',
  'domain_stale',
  'not_provisioned',
  'link_required',
  'access_denied',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

export interface Refusal {
  readonly refused: RefusalCode;
  /** For the log: what exactly was wrong, without secrets and without what was asserted. */
  readonly detail?: string;
}

export interface NewAttempt {
  readonly accountId: AccountId;
  readonly connectionId: ConnectionId;
  readonly purpose: Purpose;
  readonly clientId?: string | undefined;
  readonly stage?: Stage;
}

export interface Progress {
  readonly stage: Stage;
  readonly outcome?: 'passed' | 'refused';
  readonly code?: RefusalCode;
  readonly caseId?: string;
  readonly userId?: UserId;
  /** As mapped. */
  readonly claims?: Readonly<Record<string, unknown>>;
}
