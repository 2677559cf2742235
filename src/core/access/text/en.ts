import type { DenialTexts } from './denial-texts.ts';

const support = 'Contact support and give the case number.';

export const en: DenialTexts = {
  names: ({ account = 'your company', product = 'this application' }) => ({ account, product }),
  signUp: 'Or sign up.',
  denials: {
    user_deactivated: () => ({
      title: 'Your access was switched off',
      text: 'Your access has been switched off by an administrator.',
      remedies: ['Ask an administrator of your account to switch it on again.'],
    }),
    user_not_activated: () => ({
      title: 'Your access is not activated yet',
      text: 'You were invited, but have not activated your access yet.',
      remedies: [
        'Look for the invitation in your mail, or have it sent again.',
        'Or ask your administrator to invite you again.',
      ],
    }),
    no_account: ({ product }) => ({
      title: 'You have no account here',
      text: `You do not belong to an account that could use ${product}.`,
      remedies: ['Ask your billing contact or administrator to add you to your company account.'],
    }),
    account_lapsed: ({ account }) => ({
      title: 'The account has lapsed',
      text: `The subscription of ${account} has lapsed.`,
      remedies: ['Ask your billing contact to renew it.'],
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
      remedies: ['Ask an administrator of your account about it.'],
    }),
    no_seat: ({ account, product }) => ({
      title: `You have no seat for ${product}`,
      text: `The account ${account} uses ${product}, but no seat is assigned to you.`,
      remedies: [
        'Ask for a seat: the administrators of your account get a mail.',
        'Or ask your billing contact or administrator yourself.',
      ],
    }),
    seat_not_yet: ({ product }) => ({
      title: 'Your seat has not begun yet',
      text: `Your seat for ${product} begins later.`,
      remedies: ['Ask an administrator of your account if you need it sooner.'],
    }),
    seat_ended: ({ product }) => ({
      title: 'Your seat has ended',
      text: `Your seat for ${product} has ended.`,
      remedies: ['Ask an administrator of your account to assign it again.'],
    }),
    sso_required: ({ account }) => ({
      title: 'Sign in with My Company ID',
      text: `${account} requires My Company ID.`,
      remedies: ['Sign in with My Company ID.'],
    }),
    role_required: ({ account }) => ({
      title: 'This is for administrators',
      text: `Only an administrator of ${account} may use this.`,
      remedies: ['Ask an administrator of your account to do it, or to make you one.'],
    }),
  },
};
