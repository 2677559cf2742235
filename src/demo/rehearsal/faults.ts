/** What can be made to go wrong at the rehearsal identity providers, by one browser for itself. */

/** What those of companies speak: one has each. */
export type Protocol = 'saml' | 'oidc';

interface FaultText {
  readonly title: string;
  readonly about: string;
  readonly at: readonly (Protocol | 'social')[];
}

const companies = ['saml', 'oidc'] as const;
const social = ['social'] as const;
const all = ['saml', 'oidc', 'social'] as const;

export const faults = {
  rotated_certificate: {
    title: 'Rotated certificate',
    about: 'Signs with a new key, which its metadata and its key set show from then on.',
    at: companies,
  },
  expired_certificate: {
    title: 'Expired certificate',
    about: 'Signs with a certificate that ended yesterday, which its metadata shows from then on.',
    at: ['saml'],
  },
  wrong_audience: {
    title: 'Wrong audience',
    about: 'What it asserts is meant for somebody else.',
    at: all,
  },
  wrong_recipient: {
    title: 'Wrong recipient',
    about: 'The assertion is to be delivered at another address.',
    at: ['saml'],
  },
  wrong_issuer: {
    title: 'Wrong issuer',
    about: 'The right key, and the name of another identity provider.',
    at: all,
  },
  skewed_clock: {
    title: 'Wrong clock',
    about: 'Its clock is an hour behind: what it asserts has ended already.',
    at: all,
  },
  missing_email: {
    title: 'No email address',
    about: 'Says who somebody is, and not their address.',
    at: all,
  },
  unsolicited: {
    title: 'Unsolicited',
    about: 'The answer names no request (SAML), or one that nobody made.',
    at: all,
  },
  replayed: {
    title: 'Replayed',
    about: 'The second sign-in from now on brings the response, or the code, of the first one again.',
    at: companies,
  },
  slow: {
    title: 'Slow',
    about: 'Answers after ten seconds: the browser (SAML), or the request for the tokens.',
    at: all,
  },
  server_error: {
    title: 'Out of order',
    about: 'Answers 500: the browser (SAML), or the request for the tokens.',
    at: all,
  },
  access_denied: {
    title: 'Cancelled',
    about: 'The person has changed their mind, says the provider, each in its own words.',
    at: social,
  },
  unverified_email: {
    title: 'Unproven address',
    about: 'Asserts the address, and that nobody has proven it. Facebook never says so.',
    at: social,
  },
  wrong_nonce: {
    title: 'Wrong nonce',
    about: 'The ID token belongs to another sign-in: Google, Microsoft and Apple, which have one.',
    at: social,
  },
  refused_code: {
    title: 'Refused code',
    about: 'Takes no code: Facebook complains in a format of its own, and GitHub with status 200.',
    at: social,
  },
} as const satisfies Record<string, FaultText>;

export type Fault = keyof typeof faults;

export const faultNames = Object.keys(faults) as [Fault, ...Fault[]];

/** Behind by so many seconds when its clock is wrong. */
export const skewSeconds = 3600;
export const slowMs = 10_000;
