import type { AccountId, ConnectionId } from '../../kernel/ids.ts';
import type { AccountChoice, DenialCode, Remedy } from '../access/access.ts';
import type { RefusalCode } from '../attempts/attempts.ts';
import type { SocialProvider } from '../identities/identities.ts';
import type { FailureCode } from '../../kernel/failures.ts';

/** In the order in which a sign-in comes by them. */
export const checkNames = [
  'email',
  'domain',
  'connection',
  'user',
  'credential',
  'throttle',
  'client',
  'membership',
  'account',
  'subscription',
  'seat',
  'decision',
] as const;
export type CheckName = (typeof checkNames)[number];

/** Reasons that have a name elsewhere already; what a client is answered is OAuth's own (RFC 6749 §4.1.2.1). */
export type DoctorCode =
  | DenialCode
  | Extract<
      FailureCode,
      | 'invalid_input'
      | 'invalid_credentials'
      | 'throttled'
      | 'another_proof_needed'
      | 'social_sign_in_failed'
      | 'domain_not_proven'
    >
  | Extract<
      RefusalCode,
      | 'connection_not_available'
      | 'idp_not_reachable'
      | 'saml_certificate_expired'
      | 'email_missing'
      | 'email_not_valid'
      | 'domain_not_allowed'
      | 'domain_stale'
      | 'not_provisioned'
      | 'link_required'
    >
  | 'invalid_client'
  | 'invalid_redirect_uri'
  | 'unauthorized_client';

/** What can be done, and by whom. `action` names a button of the sign-in, where there is one. */
export interface Advice {
  readonly who: Remedy['who'] | 'operator';
  readonly text: string;
  readonly action?: Remedy['action'];
  readonly href?: string;
}

type Fact = string | number | boolean | null | readonly Fact[] | { readonly [name: string]: Fact };

/** Facts as they are shown: named in snake_case, moments in RFC 3339, and no secret among them. */
export type Evidence = Readonly<Record<string, Fact>>;

/** `warning`: not as it should be, but somebody can come in; `not_applicable`: there is nothing to be looked at. */
export type CheckStatus = 'passed' | 'failed' | 'warning' | 'not_applicable';

export interface Check {
  readonly name: CheckName;
  readonly status: CheckStatus;
  readonly code?: DoctorCode;
  readonly evidence: Evidence;
  /** English; empty where nothing has to be done. */
  readonly remedies: readonly Advice[];
}

/** How somebody could come. */
export type Way =
  | { readonly kind: 'password' }
  | {
      readonly kind: 'company';
      readonly connection: {
        readonly id: ConnectionId;
        readonly label: string;
        readonly accountId: AccountId;
      };
    }
  /** Without the provider for an account's admin: it is the person's own. */
  | { readonly kind: 'social'; readonly provider?: SocialProvider };

/**
 * `denied`: whoever this is, it is refused; where it is a denial of access, after they have proven who they are.
 * `cannot_prove`: they do not come so far as to be anybody.
 */
export type Outcome = 'allowed' | 'choose_account' | 'denied' | 'cannot_prove';

/** What would happen if they came this way now, with the right password or the right person at the identity provider. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly way: Way;
  /** Present unless they would be let in. */
  readonly code?: DoctorCode;
  /** The account they would enter, or are refused by. */
  readonly account?: AccountChoice;
  /** Those that they would choose among. */
  readonly accounts?: readonly AccountChoice[];
  /** Role and seats follow the groups of the day, which only the identity provider knows: taken to be as they are. */
  readonly dependsOnGroups?: true;
}

export interface Diagnosis {
  /** The best of the ways. */
  readonly verdict: Verdict;
  /** The first check that failed. */
  readonly firstFailure: CheckName | undefined;
  /** All of them, in their order. */
  readonly checks: readonly Check[];
  readonly ways: readonly Verdict[];
}
