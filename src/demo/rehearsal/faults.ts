/** What can be made to go wrong at the rehearsal identity providers, by one browser for itself. */
export type Protocol = 'saml' | 'oidc';

interface FaultText {
  readonly title: string;
  readonly about: string;
  readonly protocols: readonly Protocol[];
}

const both = ['saml', 'oidc'] as const;

export const faults = {
  rotated_certificate: {
    title: 'Rotated certificate',
    about: 'Signs with a new key, which its metadata and its key set show from then on.',
    protocols: both,
  },
  expired_certificate: {
    title: 'Expired certificate',
    about: 'Signs with a certificate that ended yesterday, which its metadata shows from then on.',
    protocols: ['saml'],
  },
  wrong_audience: {
    title: 'Wrong audience',
    about: 'What it asserts is meant for somebody else.',
    protocols: both,
  },
  wrong_recipient: {
    title: 'Wrong recipient',
    about: 'The assertion is to be delivered at another address.',
    protocols: ['saml'],
  },
  wrong_issuer: {
    title: 'Wrong issuer',
    about: 'The right key, and the name of another identity provider.',
    protocols: both,
  },
  skewed_clock: {
    title: 'Wrong clock',
    about: 'Its clock is an hour behind: what it asserts has ended already.',
    protocols: both,
  },
  missing_email: {
    title: 'No email address',
    about: 'Says who somebody is, and not their address.',
    protocols: both,
  },
  unsolicited: {
    title: 'Unsolicited',
    about: 'The answer names no request (SAML), or one that nobody made (OpenID Connect).',
    protocols: both,
  },
  replayed: {
    title: 'Replayed',
    about: 'The second sign-in from now on brings the response, or the code, of the first one again.',
    protocols: both,
  },
  slow: {
    title: 'Slow',
    about: 'Answers after ten seconds: the browser (SAML), or the request for the tokens (OpenID Connect).',
    protocols: both,
  },
  server_error: {
    title: 'Out of order',
    about: 'Answers 500: the browser (SAML), or the request for the tokens (OpenID Connect).',
    protocols: both,
  },
} as const satisfies Record<string, FaultText>;

export type Fault = keyof typeof faults;

export const faultNames = Object.keys(faults) as [Fault, ...Fault[]];

/** Behind by so many seconds when its clock is wrong. */
export const skewSeconds = 3600;
export const slowMs = 10_000;
