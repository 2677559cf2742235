import type { DenialCode } from './decide.ts';

/** What can be done about a denial, and by whom. `action` names the button where the person can do it alone. */
export interface Remedy {
  readonly action:
    | 'request_seat'
    | 'company_sign_in'
    | 'resend_activation'
    | 'contact_admin'
    | 'contact_billing'
    | 'contact_support'
    | 'sign_up';
  readonly who: 'self' | 'account_admin' | 'billing_contact' | 'support';
  readonly text: string;
  readonly href?: string;
}

/** Who can do each of them. */
export const whoDoes = {
  request_seat: 'self',
  company_sign_in: 'self',
  resend_activation: 'self',
  contact_admin: 'account_admin',
  contact_billing: 'billing_contact',
  contact_support: 'support',
} as const satisfies Partial<Record<Remedy['action'], Remedy['who']>>;

/** What helps against each denial, whatever the language. */
export const remedies = {
  user_deactivated: ['contact_admin'],
  user_not_activated: ['resend_activation', 'contact_admin'],
  no_account: ['contact_billing'],
  account_lapsed: ['contact_billing'],
  account_suspended: ['contact_support'],
  account_closed: ['contact_support'],
  product_not_subscribed: ['contact_admin'],
  no_seat: ['request_seat', 'contact_admin'],
  seat_not_yet: ['contact_admin'],
  seat_ended: ['contact_admin'],
  sso_required: ['company_sign_in'],
  role_required: ['contact_admin'],
} as const satisfies Record<DenialCode, readonly (keyof typeof whoDoes)[]>;

type OneTextEach<Of extends readonly unknown[]> = { readonly [At in keyof Of]: string };

/** One text for each remedy of a denial: with more or fewer a catalogue does not compile. */
export type RemedyTexts<Code extends DenialCode> = OneTextEach<(typeof remedies)[Code]>;
