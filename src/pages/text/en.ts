import type { FailureCode } from '../../kernel/failures.ts';

/** The texts of the built-in pages in English: the source of every other language. */
export const en = {
  abort: (client: string) => `Back to ${client}`,
  case: 'Case',
  caseHelp: 'Give this number to whoever helps you: it lets them find what happened.',
  chooseAccount: 'Choose an account',
  chooseAccountLead: (client: string) =>
    `You belong to several accounts. With which one do you want to use ${client}?`,
  consent: (client: string) => `${client} asks for access`,
  consentLead: (client: string) => `If you allow it, ${client} can:`,
  consentAllow: 'Allow',
  consentDeny: 'Do not allow',
  continue: 'Continue',
  email: 'Email',
  expired: 'This sign-in has ended',
  expiredLead:
    'It was finished already, took too long, or was started in another browser. Nothing is lost: simply start again.',
  expiredHelp: 'Go back to the application you came from and sign in there again.',
  expiredStart: (client: string) => `Start again at ${client}`,
  invalidCredentials: 'The email or the password is wrong.',
  invalidEmail: 'This is not an email address.',
  otherPerson: 'Sign in as someone else',
  password: 'Password',
  problem: 'Something is not right',
  remedies: 'What you can do',
  requestId: 'Request',
  requestSeat: 'Ask for a seat',
  seatRequested: 'Your request is on its way: the administrators of your account get a mail.',
  signIn: 'Sign in',
  signInTo: (client: string) => `to continue to ${client}`,
  signOut: 'Sign out?',
  signOutLead: 'You will be signed out of every application you have signed in to in this browser.',
  signOutNo: 'Stay signed in',
  signOutYes: 'Sign out',
  signedOut: 'You are signed out',
  signedOutLead: 'You can close this window.',
  signingOut: 'Signing you out',
  startAgain: (client: string) => `Back to ${client}`,
  throttled: 'There were too many wrong tries. Wait a little, or set a new password.',

  // what a page says of each failure; JSON has the titles of kernel/failures.ts
  errorBack: 'Go back to the application you came from and start again there.',
  errorLater: 'Wait a moment and try again. If it goes on, tell whoever helps you the number below.',
  failures: {
    action_not_available: 'This cannot be done at this point',
    already_exists: 'This exists already',
    cross_site_request: 'This request came from another site',
    headers_too_large: 'The address or the cookies are too long',
    interaction_expired: 'This sign-in has ended',
    internal_error: 'Something went wrong',
    invalid_credentials: 'The email or the password is wrong',
    invalid_input: 'This request cannot be understood',
    link_expired: 'This link does not work any more',
    no_free_seat: 'Every seat is taken',
    not_found: 'There is no page at this address',
    overloaded: 'Too many people are signing in at this moment',
    password_refused: 'This password cannot be used',
    payload_too_large: 'This request is too large',
    request_timeout: 'This request took too long',
    throttled: 'There were too many tries',
    unavailable: 'The service is not available at this moment',
    unsupported_media_type: 'This request cannot be understood',
  } satisfies Record<FailureCode | 'internal_error', string> as Record<
    FailureCode | 'internal_error',
    string
  >,
  help: 'Need help?',
  helpPage: 'Help and support',

  // on the way from one page to another
  goingOn: 'One moment',
  goingOnLead: 'You are being taken further.',

  // a forgotten password
  forgotPassword: 'Forgot your password?',
  forgotPasswordSend: 'Mail me a link',
  passwordTooCommon:
    'This password is among the first that would be guessed. Choose one that others would not.',
  passwordTooLong: 'This password is too long: at most 256 characters.',
  passwordTooPersonal:
    'This password is made of your name, your address or the name of a product. Choose one that says nothing about you.',
  passwordTooShort:
    'This password is too short: at least 15 characters. A few words in a row are easy to keep.',
  resetAskAgain: 'Ask for a new link',
  resetCode: 'Code from the mail',
  resetDone: 'Your password is changed',
  resetDoneLead: 'You have been signed out everywhere. Sign in with the new password.',
  resetExpired: 'This link does not work any more',
  resetExpiredLead:
    'It was used already, is older than 30 minutes, or your password has changed since. Nothing is lost: ask for a new one.',
  resetHelp: 'No mail?',
  resetHelpAddress: 'If the address above is not right, or not the one you sign in with, no mail is sent.',
  resetHelpResend: 'You can have it sent again after a minute.',
  resetHelpSender: (sender: string) => `It comes from ${sender}.`,
  resetHelpSpam: 'Look into the spam folder.',
  resetLead: 'We mail you a link to set a new one.',
  resetNew: 'Choose a new password',
  resetNewLead: (email: string) => `For ${email}`,
  resetNewPassword: 'New password',
  resetOtherAddress: 'Use another address',
  resetResend: 'Send it again',
  resetRules: 'At least 15 characters. A few words in a row are strong, and easy to keep.',
  resetSend: 'Send the mail',
  resetSent: 'Check your mail',
  resetSentLead: (email: string) =>
    `If ${email} is known here, a mail is on its way. Open its link, or type its code here. Both work for 30 minutes.`,
  resetSet: 'Set password',
  resetTitle: 'Forgot your password?',
  resetTooSoon: 'It was sent less than a minute ago. Give it a moment.',
  resetWrongCode: 'This is not the code of the mail.',

  // an invitation
  invalidPassword: 'The password is wrong.',
  invitation: (account: string) => `Join ${account}`,
  invitationAccept: 'Accept the invitation',
  invitationDone: 'Welcome',
  invitationDoneLead: 'Your invitation is accepted. Sign in to go on.',
  invitationExisting: (email: string) =>
    `You are here already: accept with the password you sign in with as ${email}.`,
  invitationExpired: 'This invitation does not work any more',
  invitationExpiredLead:
    'Try the link in the mail once more. If that does not help, the invitation was accepted already, was taken back, or is older than seven days. If you cannot sign in, ask the person who invited you to send it again.',
  invitationLead: (inviter: string, account: string) => `${inviter} has invited you to ${account}.`,
  invitationNew: (email: string) => `Choose a password for ${email}.`,
  invitationProducts: (products: string) => `With it you can use ${products}.`,
  name: 'Your name',
  activationResent: 'The invitation is on its way to your mailbox.',
  resendActivation: 'Send the invitation again',
};

export type Texts = typeof en;
