import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, ConnectionId, UserId } from '../../kernel/ids.ts';
import type { FailureCode } from '../../kernel/failures.ts';
import type { AccountChoice, DenialCode } from '../access/access.ts';
import type { ConnectionChoice, ExternalIdentity } from '../connections/connections.ts';
import type { SocialIdentity, SocialProvider } from '../identities/identities.ts';
import type { PendingIdentity } from '../linking/linking.ts';
import type { Evidence } from '../credentials/credentials.ts';

/** Whom a sign-in is about: proven in this interaction (with evidence), or known from the browser's session. */
export interface Subject {
  readonly userId: UserId;
  readonly evidence?: readonly Evidence[];
}

export interface StoredDenial {
  readonly code: DenialCode;
  readonly caseId: string;
  readonly account?: AccountChoice;
  /** For the way to the company, where that is the remedy. */
  readonly email?: string;
}

/** What went wrong with the last try, for the page that shows the step again. */
export interface StepProblem {
  readonly code: FailureCode;
  readonly fields?: Readonly<Record<string, string>>;
  readonly caseId?: string;
  /** Whole seconds until another try is looked at. */
  readonly retryAfter?: number;
  /** The typed address belongs to a company that signs in by itself: its domain says so, whoever asks. */
  readonly companySignIn?: true;
}

/** A code that is on its way, or has been typed wrong. */
export interface SentCode {
  /** What its hash is bound to. */
  readonly id: string;
  /** Keyed, base64url. */
  readonly hash: string;
  /** RFC 3339 */
  readonly at: string;
}

/** Where a sign-in stands. Stored with its interaction as JSON; holds no secret. */
export type SignInState =
  | { readonly at: 'identify'; readonly email?: string; readonly problem?: StepProblem }
  | {
      readonly at: 'company';
      readonly email?: string;
      readonly problem?: StepProblem;
      /** A social identity that waits for this very sign-in. */
      readonly pending?: PendingIdentity;
    }
  | {
      readonly at: 'choose_connection';
      readonly email: EmailAddress;
      readonly connections: readonly ConnectionChoice[];
      readonly pending?: PendingIdentity;
    }
  /** Back from the company, verified; who that is here is found out when the browser comes to its own step. */
  | {
      readonly at: 'returned';
      readonly connectionId: ConnectionId;
      readonly attemptId: string;
      readonly identity: ExternalIdentity;
      /**
       * Of the connection, as it was when it verified the identity: what has changed since has verified nobody. The
       * version before stored none.
       */
      readonly revision?: number | undefined;
      /** What was typed, in case that nothing comes of it. */
      readonly email?: string;
      /** A social identity that waits for this very sign-in. */
      readonly pending?: PendingIdentity;
    }
  /** Back from a social provider, verified. */
  | { readonly at: 'returned_social'; readonly identity: SocialIdentity }
  /** The mailbox of the address is to be proven; or first the address told, which the provider did not. */
  | {
      readonly at: 'code';
      readonly pending: PendingIdentity;
      readonly sent?: SentCode;
      readonly problem?: StepProblem;
    }
  /** The address has a user: who is to sign in by their existing way. */
  | { readonly at: 'sign_in_to_link'; readonly pending: PendingIdentity; readonly problem?: StepProblem }
  /** …who has, and is asked whether the two belong together. */
  | { readonly at: 'confirm_link'; readonly pending: PendingIdentity; readonly subject: Subject }
  | { readonly at: 'choose_account'; readonly subject: Subject; readonly accounts: readonly AccountChoice[] }
  | {
      readonly at: 'denied';
      readonly subject: Subject;
      readonly denial: StoredDenial;
      readonly seatRequested: boolean;
      /** The invitation was mailed again. */
      readonly activationResent?: boolean;
    }
  | { readonly at: 'consent'; readonly scopes: readonly string[] }
  | { readonly at: 'done' };

/** A sign-in in progress: its state, and what was asked of it. */
export interface SignIn {
  readonly uid: string;
  readonly state: SignInState;
  readonly expiresAt: Date;
  readonly locale: string;
  readonly client: SignInClient;
  readonly loginHint: string | undefined;
  /** Nothing has happened in it yet: what the client asks for may still send the browser straight on. */
  readonly isNew: boolean;
  /** What the client asks for: the domain whose company is meant, or the connection. */
  readonly domainHint: string | undefined;
  readonly connectionHint: ConnectionId | undefined;
  /** Those that are switched on, in the order they are offered. */
  readonly providers: readonly SocialProvider[];
  /** The company this browser came by last. */
  readonly remembered: ConnectionChoice | undefined;
  /** The person must prove themself anew (`prompt=login`), or within so many seconds (`max_age`). */
  readonly forceAuthn: boolean;
  readonly maxAge: number | undefined;
  /** The account the client asks for, by id or slug. */
  readonly account: string | undefined;
  /** Whom the browser's session belongs to, and its default account. */
  readonly session:
    | {
        readonly userId: UserId;
        readonly accountId: AccountId | undefined;
        readonly evidence: readonly Evidence[];
      }
    | undefined;
  /** Where the browser goes when nothing is left to ask. */
  readonly location: string;
}

export interface SignInClient {
  readonly clientId: string;
  readonly name: string;
  readonly logoUri: string | null;
  readonly product: { readonly slug: string; readonly name: string } | null;
  readonly firstParty: boolean;
  readonly signUpUri: string | null;
  /** Where a person can start again. */
  readonly startUrl: string | null;
}
