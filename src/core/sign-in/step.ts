import type { AccountChoice, DenialCode, Remedy } from '../access/access.ts';
import type { ConnectionChoice } from '../connections/connections.ts';
import type { FailureCode } from '../../kernel/failures.ts';

/** One thing the person can do at a step, as JSON and as a form alike. */
export interface Action {
  readonly method: 'POST';
  readonly href: string;
  readonly fields: readonly Field[];
}

export interface Field {
  readonly name: string;
  readonly type?: 'email' | 'password' | 'boolean' | 'code' | 'hidden';
  readonly required?: boolean;
  /** What to send, or to begin with where the person types. */
  readonly value?: string;
  readonly options?: readonly { readonly value: string; readonly label: string }[];
}

export interface StepClient {
  readonly client_id: string;
  readonly name: string;
  readonly logo_uri: string | null;
  readonly product: { readonly slug: string; readonly name: string } | null;
  readonly first_party: boolean;
}

interface Standing {
  readonly interaction: string;
  /** RFC 3339 */
  readonly expires_at: string;
  readonly locale: string;
  readonly client: StepClient;
  readonly actions: Readonly<Record<string, Action>>;
}

/** An identity elsewhere, as its person knows it. */
export interface ExternalShown {
  /** `google`, … */
  readonly provider: string;
  readonly name: string | null;
  readonly email: string | null;
}

/** What went wrong with the last try. */
export interface ShownProblem {
  readonly code: FailureCode;
  readonly fields?: Readonly<Record<string, string>>;
  readonly case_id?: string;
  /** Whole seconds until another try is looked at; counted from when the problem came up. */
  readonly retry_after?: number;
  /** The domain of the typed address has a company sign-in: the action `company` leads there. */
  readonly company_sign_in?: true;
}

/** What both faces show: the JSON answers with it, the page renders it. docs/interactions.md describes each. */
export type Step =
  | (Standing & {
      readonly step: 'identify';
      readonly login_hint: string | null;
      readonly problem: ShownProblem | null;
      /** The company this browser came by last: the action `company` leads there without an address. */
      readonly remembered: ConnectionChoice | null;
    })
  | (Standing & {
      readonly step: 'company';
      readonly login_hint: string | null;
      readonly problem: ShownProblem | null;
    })
  | (Standing & { readonly step: 'choose_connection'; readonly connections: readonly ConnectionChoice[] })
  | (Standing & {
      readonly step: 'code';
      readonly purpose: 'prove_email';
      readonly external: ExternalShown;
      /** Masked; null while the address is asked for, which the provider did not tell. */
      readonly sent_to: string | null;
      readonly problem: ShownProblem | null;
    })
  | (Standing & {
      readonly step: 'sign_in_to_link';
      readonly external: ExternalShown;
      /** Whose sign-in is asked for. */
      readonly email: string;
      readonly problem: ShownProblem | null;
    })
  | (Standing & {
      readonly step: 'confirm_link';
      readonly external: ExternalShown;
      readonly user: { readonly email: string };
    })
  | (Standing & { readonly step: 'redirect'; readonly location: string })
  | (Standing & { readonly step: 'choose_account'; readonly accounts: readonly AccountChoice[] })
  | (Standing & {
      readonly step: 'consent';
      readonly scopes: readonly { readonly name: string; readonly text: string }[];
    })
  | (Standing & {
      readonly step: 'denied';
      readonly code: DenialCode;
      readonly case_id: string;
      readonly title: string;
      readonly text: string;
      readonly remedies: readonly Remedy[];
      /** The person has pressed the button: it is not offered again. */
      readonly seat_requested: boolean;
      /** Likewise: the invitation is on its way. */
      readonly activation_resent: boolean;
    })
  | (Standing & { readonly step: 'done'; readonly location: string })
  | ExpiredStep;

/** An interaction that is unknown, finished, or another browser's. */
export interface ExpiredStep {
  readonly step: 'expired';
  readonly client?: { readonly client_id: string; readonly name: string };
  readonly start_url?: string;
}
