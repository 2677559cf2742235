/** From what a provider says to who somebody is. Strings of others: bounded, and no more of them than is used. */
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { EmailTrust, SocialIdentity, SocialProvider } from '../../core/identities/identities.ts';
import { isRefusal } from '../connector.ts';
import { type Claims, identityOf, isText } from '../oidc/identity.ts';

/** What a dialect makes of an answer; each member may be anything that was sent. */
export interface Asserted {
  readonly provider: SocialProvider;
  /** As we call it: the same for all of its people that have their subject from the same place. */
  readonly issuer: string;
  readonly email: unknown;
  /** Of the address, where there is one. */
  readonly emailTrust: EmailTrust;
  readonly name: unknown;
}

/** By an ID token that was verified; `subject` are the claims that together name a person for good. */
export function fromClaims(
  claims: Claims,
  subject: readonly string[],
  asserted: Asserted,
): SocialIdentity | Refusal {
  const identity = identityOf({ subject }, claims);
  return isRefusal(identity) ? identity : { ...identity, ...personOf(asserted) };
}

/** By a profile that was asked for with the person's token. */
export function fromProfile(subject: string, asserted: Asserted): SocialIdentity {
  return { subject, amr: [], ...personOf(asserted) };
}

/** An address that cannot be one is none, and then nobody stands for it. */
function personOf({ provider, issuer, email, emailTrust, name }: Asserted) {
  const usable = isText(email) && email.length <= 254 && /^[^\s@]+@[^\s@]+$/.test(email);
  return {
    provider,
    issuer,
    attributes: {},
    ...(usable ? { email, emailTrust } : { emailTrust: 'none' as const }),
    ...(isText(name) && name.trim() !== '' && name.length <= 200 && { name: name.trim() }),
  };
}

/** Some write it as a word (Apple), and Entra ID also as a number. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 'true' || value === 1 || value === '1';
}
