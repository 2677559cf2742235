/** The companies that have an identity provider here, and who can sign in there: their people, or anybody one likes. */
import { createHash } from 'node:crypto';
import type { SocialProvider } from '../../core/identities/identities.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { demoPeople } from '../world.ts';
import type { Protocol } from './faults.ts';

/** Each of the identity providers here: those of companies by what they speak, the others by name. */
export type IdpName = Protocol | SocialProvider;

/** Where somebody signs in. */
export interface Place {
  readonly idp: IdpName;
  readonly name: string;
  readonly lead: string;
  /** An address for whoever is not listed. */
  readonly newcomer: string;
  readonly people: readonly Person[];
  readonly personOf: (email: EmailAddress) => Person;
}

export interface Person {
  readonly email: string;
  readonly name: string;
  readonly groups: readonly string[];
  /** What there is to see. */
  readonly about?: string;
}

export function companyPlace(protocol: Protocol): Place {
  const [name, domain] = protocol === 'saml' ? ['Globex', 'globex.test'] : ['Initech', 'initech.test'];
  return {
    idp: protocol,
    name,
    lead: 'This stands for the sign-in of a company.',
    newcomer: `new@${domain}`,
    people: demoPeople.filter(({ email }) => email.endsWith(`@${domain}`)).map(asserted),
    personOf,
  };
}

/** Somebody of the demo world, or else somebody new, named after the address. */
export function personOf(email: EmailAddress): Person {
  const known = demoPeople.find((person) => person.email === email);
  if (known) return asserted(known);
  const [local = ''] = email.split('@');
  const name = local.replace(/^./, (letter) => letter.toUpperCase());
  return { email, name, groups: ['staff'] };
}

function asserted({ email, name, places }: (typeof demoPeople)[number]): Person {
  const isAdmin = Object.values(places).some(({ role }) => role === 'admin');
  return { email, name, groups: isAdmin ? ['staff', 'it'] : ['staff'] };
}

/** What a person is called at an identity provider for good: it tells two apart, and nothing about them. */
export function subjectOf({ email }: Person, issuer: string): string {
  return createHash('sha256').update(`${issuer} ${email}`).digest('base64url').slice(0, 22);
}
