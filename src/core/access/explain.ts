import type { DenialCode } from './decide.ts';

/** What can be done about a denial, and by whom. `action` names the button where the person can do it alone. */
export interface Remedy {
  readonly action: 'request_seat' | 'contact_admin' | 'contact_billing' | 'contact_support' | 'sign_up';
  readonly who: 'self' | 'account_admin' | 'billing_contact' | 'support';
  readonly text: string;
  readonly href?: string;
}

export interface Explanation {
  readonly title: string;
  readonly text: string;
  readonly remedies: readonly Remedy[];
}

/** What the texts need to know of the client. */
interface DeniedClient {
  readonly product: { readonly name: string } | null;
  readonly signUpUri: string | null;
}

interface Names {
  readonly account: string;
  readonly product: string;
}

type Template = (names: Names) => Explanation;

const admin = (text: string): Remedy => ({ action: 'contact_admin', who: 'account_admin', text });
const billing = (text: string): Remedy => ({ action: 'contact_billing', who: 'billing_contact', text });
const support: Remedy = {
  action: 'contact_support',
  who: 'support',
  text: 'Contact support and give the case number.',
};

const templates: Readonly<Record<DenialCode, Template>> = {
  user_deactivated: () => ({
    title: 'Your access was switched off',
    text: 'Your access has been switched off by an administrator.',
    remedies: [admin('Ask an administrator of your account to switch it on again.')],
  }),
  user_not_activated: () => ({
    title: 'Your access is not activated yet',
    text: 'You were invited, but have not activated your access yet.',
    remedies: [admin('Look for the invitation in your mail, or ask your administrator to send it again.')],
  }),
  no_account: ({ product }) => ({
    title: 'You have no account here',
    text: `You do not belong to an account that could use ${product}.`,
    remedies: [billing('Ask your billing contact or administrator to add you to your company account.')],
  }),
  account_lapsed: ({ account }) => ({
    title: 'The account has lapsed',
    text: `The subscription of ${account} has lapsed.`,
    remedies: [billing('Ask your billing contact to renew it.')],
  }),
  account_suspended: ({ account }) => ({
    title: 'The account is suspended',
    text: `The account ${account} has been suspended.`,
    remedies: [support],
  }),
  account_closed: ({ account }) => ({
    title: 'The account is closed',
    text: `The account ${account} has been closed.`,
    remedies: [support],
  }),
  product_not_subscribed: ({ account, product }) => ({
    title: `${product} is not part of your subscription`,
    text: `The account ${account} has no subscription to ${product}.`,
    remedies: [admin('Ask an administrator of your account about it.')],
  }),
  no_seat: ({ account, product }) => ({
    title: `You have no seat for ${product}`,
    text: `The account ${account} uses ${product}, but no seat is assigned to you.`,
    remedies: [
      {
        action: 'request_seat',
        who: 'self',
        text: 'Ask for a seat: the administrators of your account get a mail.',
      },
      admin('Or ask your billing contact or administrator yourself.'),
    ],
  }),
  seat_not_yet: ({ product }) => ({
    title: 'Your seat has not begun yet',
    text: `Your seat for ${product} begins later.`,
    remedies: [admin('Ask an administrator of your account if you need it sooner.')],
  }),
  seat_ended: ({ product }) => ({
    title: 'Your seat has ended',
    text: `Your seat for ${product} has ended.`,
    remedies: [admin('Ask an administrator of your account to assign it again.')],
  }),
  role_required: ({ account }) => ({
    title: 'This is for administrators',
    text: `Only an administrator of ${account} may use this.`,
    remedies: [admin('Ask an administrator of your account to do it, or to make you one.')],
  }),
};

/** The text and the remedies of a denial, for the person it was refused to. */
export function explainDenial(
  code: DenialCode,
  client: DeniedClient,
  account?: { name: string },
): Explanation {
  const explanation = templates[code]({
    account: account?.name ?? 'your company',
    product: client.product?.name ?? 'this application',
  });
  if (code !== 'no_account' || !client.signUpUri) return explanation;
  const signUp: Remedy = { action: 'sign_up', who: 'self', text: 'Or sign up.', href: client.signUpUri };
  return { ...explanation, remedies: [...explanation.remedies, signUp] };
}

/**
 * A denial for the client: stable code, a sentence, the case. English printable ASCII without quotes or backslashes,
 * because names out of the database go into it.
 *
 * @see RFC 6749 §4.1.2.1
 */
export function describeDenial(code: DenialCode, text: string, caseId: string): string {
  const ascii = text.normalize('NFD').replace(/[^ !#-[\]-~]/g, '');
  return `${code}: ${ascii.slice(0, 300)} (case ${caseId})`;
}
