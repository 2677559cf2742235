/** Every mail there is, with what its template needs. */
export interface MailTemplates {
  /** To every admin of an account, each with a link of their own to grant or refuse; for `days` days it works. */
  readonly seat_requested: {
    readonly data: {
      readonly person: string;
      readonly personEmail: string;
      readonly product: string;
      readonly account: string;
      readonly requestId: string;
      readonly days: number;
    };
    readonly secrets: { readonly token: string };
  };
  /** To the person who asked. */
  readonly seat_granted: {
    readonly data: {
      readonly product: string;
      readonly account: string;
      /** YYYY-MM-DD, where the seat begins later. */
      readonly from: string | null;
      /** Where a sign-in starts, at the application the person came from. */
      readonly url: string | null;
    };
    readonly secrets: undefined;
  };
  readonly seat_refused: {
    readonly data: { readonly product: string; readonly account: string };
    readonly secrets: undefined;
  };
  /** A link and a code to set a new password; `minutes` is how long they work. */
  readonly password_reset: {
    readonly data: { readonly minutes: number };
    readonly secrets: { readonly token: string; readonly code: string };
  };
  /** For somebody who has no password to reset: their company signs them in. */
  readonly password_reset_by_company: {
    readonly data: { readonly account: string };
    readonly secrets: undefined;
  };
  /** To every admin of an account: a certificate of a connection ends, the identity provider's or ours. */
  readonly certificate_expiring: {
    readonly data: {
      readonly account: string;
      readonly connection: string;
      readonly whose: 'idp' | 'ours';
      readonly days: number;
      /** YYYY-MM-DD */
      readonly date: string;
    };
    readonly secrets: undefined;
  };
  /** To every admin of an account: its identity provider now has another address that people are sent to. */
  readonly sign_in_address_changed: {
    readonly data: { readonly account: string; readonly connection: string; readonly host: string };
    readonly secrets: undefined;
  };
  /** To every admin of an account whose company sign-in somebody has come in past. */
  readonly break_glass_used: {
    readonly data: { readonly person: string; readonly account: string };
    readonly secrets: undefined;
  };
  /** To a person who can now come in by their company, in case it was not them. */
  readonly identity_linked: { readonly data: { readonly account: string }; readonly secrets: undefined };
  /**
   * To a mailbox that somebody says is theirs: a code to type where they have started. `provider` is its display name;
   * `external` is who they are there, in words that are not ours.
   */
  readonly link_code: {
    readonly data: { readonly provider: string; readonly external: string; readonly minutes: number };
    readonly secrets: { readonly code: string };
  };
  /** To a person who can now come in by an account elsewhere, in case it was not them. */
  readonly social_identity_linked: {
    readonly data: { readonly provider: string; readonly external: string };
    readonly secrets: undefined;
  };
  /** To a person who cannot any more; for `days` days it can be undone. */
  readonly social_identity_unlinked: {
    readonly data: { readonly provider: string; readonly external: string; readonly days: number };
    readonly secrets: undefined;
  };
  /** To the person whose password was just changed, in case it was not them. */
  readonly password_changed: { readonly data: object; readonly secrets: undefined };
  readonly invitation: {
    readonly data: {
      readonly account: string;
      readonly inviter: string | null;
      readonly products: readonly string[];
      readonly days: number;
    };
    readonly secrets: { readonly token: string };
  };
  /** To the admins of both accounts: two have proven one domain. `owns` for the one that has it. */
  readonly domain_disputed: {
    readonly data: { readonly account: string; readonly domain: string; readonly owns: boolean };
    readonly secrets: undefined;
  };
  /** To both, when an operator has decided; `owns` for the one that has it now. */
  readonly domain_dispute_resolved: {
    readonly data: { readonly account: string; readonly domain: string; readonly owns: boolean };
    readonly secrets: undefined;
  };
  /** The record that proves a domain has been missing for days; in `days` days the domain is given up. */
  readonly domain_stale: {
    readonly data: {
      readonly account: string;
      readonly domain: string;
      readonly recordName: string;
      readonly recordValue: string;
      readonly days: number;
    };
    readonly secrets: undefined;
  };
  /** A domain was given up, because its record stayed away. */
  readonly domain_released: {
    readonly data: { readonly account: string; readonly domain: string };
    readonly secrets: undefined;
  };
}

export type MailTemplate = keyof MailTemplates;

/** Whether a mail is nothing without its secret, which is wiped when it has gone or was given up. */
export function needsSecrets(template: MailTemplate): boolean {
  return carryingSecrets[template] ?? false;
}

type Carrying = {
  readonly [
    Template in MailTemplate as MailTemplates[Template]['secrets'] extends undefined ? never : Template
  ]: true;
};

const carryingSecrets: Carrying & Partial<Record<MailTemplate, true>> = {
  password_reset: true,
  link_code: true,
  invitation: true,
  seat_requested: true,
};
