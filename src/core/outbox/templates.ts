/** Every mail there is, with what its template needs. */
export interface MailTemplates {
  readonly seat_requested: {
    readonly data: {
      readonly person: string;
      readonly personEmail: string;
      readonly product: string;
      readonly account: string;
      readonly requestId: string;
    };
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
}

export type MailTemplate = keyof MailTemplates;
