/** The companies that have an identity provider here, and who can sign in there: their people, or anybody one likes. */
import { createHash } from 'node:crypto';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { demoPeople } from '../world.ts';
import type { Protocol } from './faults.ts';

export interface Company {
  readonly name: string;
  readonly domain: string;
  readonly protocol: Protocol;
}

export const companies: Readonly<Record<Protocol, Company>> = {
  saml: { name: 'Globex', domain: 'globex.test', protocol: 'saml' },
  oidc: { name: 'Initech', domain: 'initech.test', protocol: 'oidc' },
};

export interface Person {
  readonly email: string;
  readonly name: string;
  readonly groups: readonly string[];
}

export function peopleOf({ domain }: Company): Person[] {
  return demoPeople.filter(({ email }) => email.endsWith(`@${domain}`)).map(asserted);
}

/** Somebody of the demo world, or else a new colleague, named after the address. */
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
