/**
 * Who has an account at which social provider, and what that provider says of them: for every way that a sign-in can go
 * somebody; and whoever else somebody types is there as well, with an ordinary account.
 */
import { createHash } from 'node:crypto';
import { providerNames, type SocialProvider } from '../../core/identities/identities.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { type Person, personOf, type Place } from './people.ts';

export interface SocialAccount {
  /** The address that somebody types there; it names the account, and need not be what is asserted. */
  readonly handle: string;
  readonly name: string;
  /** What the provider asserts; undefined where it has none. */
  readonly email: string | undefined;
  readonly isVerified: boolean;
}

interface Guest extends Partial<Pick<SocialAccount, 'name' | 'isVerified'>> {
  readonly handle: string;
  readonly email?: string | undefined;
  readonly about: string;
}

const ada: Guest = { handle: 'ada@acme.test', about: 'has a user here, with a password' };

/** No address here is anybody's: mail to it stays in the demo, and the relay and noreply ones are made up. */
const guests: Readonly<Record<SocialProvider, readonly Guest[]>> = {
  google: [
    ada,
    { handle: 'gina@globex.test', about: 'whose company requires its own sign-in' },
    { handle: 'invited@acme.test', about: 'invited, and not here yet' },
    { handle: 'lonely@nowhere.test', about: 'whose mailbox is not with Google: proven once' },
    { handle: 'greta.rehearsal@gmail.com', name: 'Greta Google', about: 'whom nobody knows here' },
  ],
  microsoft: [
    { ...ada, about: 'has a user here; the domain is proven to Microsoft' },
    {
      handle: 'mallory@elsewhere.test',
      name: 'Mallory Elsewhere',
      email: 'ada@acme.test',
      about: "of another company, with Ada's address written into the profile",
    },
    { handle: 'max.rehearsal@outlook.com', name: 'Max Microsoft', about: 'whom nobody knows here' },
  ],
  linkedin: [ada, { handle: 'lin@elsewhere.test', name: 'Lin Linked', about: 'whom nobody knows here' }],
  facebook: [
    ada,
    {
      handle: 'fay@elsewhere.test',
      name: 'Fay Face',
      email: undefined,
      about: 'who keeps the address private',
    },
  ],
  apple: [
    ada,
    {
      handle: 'rhea@elsewhere.test',
      name: 'Rhea Relay',
      email: relayOf('rhea@elsewhere.test'),
      about: 'who hides the address behind a relay',
    },
  ],
  github: [
    ada,
    {
      handle: 'ursula@elsewhere.test',
      name: 'Ursula Unproven',
      email: 'alan@acme.test',
      isVerified: false,
      about: "with Alan's address, and no proof of it",
    },
    {
      handle: 'nick@elsewhere.test',
      name: 'Nick Noreply',
      email: '1234567+nick@users.noreply.github.com',
      about: 'who hides the address',
    },
  ],
};

export function socialPlace(provider: SocialProvider): Place {
  const name = providerNames[provider];
  return {
    idp: provider,
    name,
    lead: `This stands for the sign-in of ${name}.`,
    newcomer: 'new@elsewhere.test',
    people: guests[provider].map(({ handle, about }) => ({
      ...guestOf(provider, handle as EmailAddress),
      about,
    })),
    personOf: (email) => guestOf(provider, email),
  };
}

function guestOf(provider: SocialProvider, handle: EmailAddress): Person {
  const known = guests[provider].find((guest) => guest.handle === handle);
  return { ...personOf(handle), ...(known?.name !== undefined && { name: known.name }) };
}

/** What the provider knows of somebody who has signed in there. */
export function accountOf(provider: SocialProvider, { email: handle, name }: Person): SocialAccount {
  const { about: _about, ...asserted } = guests[provider].find((guest) => guest.handle === handle) ?? {};
  return { email: handle, isVerified: true, ...asserted, handle, name };
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

/** The companies of the demo world, which have proven their domains to everybody. */
export function isCompany(domain: string): boolean {
  return ['acme.test', 'globex.test', 'initech.test'].includes(domain);
}

export function hexOf(count: number, ...parts: readonly string[]): string {
  return seedOf(...parts)
    .toString('hex')
    .slice(0, count);
}

/** What ids are made of: another for each account, and the same for good. */
function seedOf(...parts: readonly string[]): Buffer {
  return createHash('sha256').update(parts.join(' ')).digest();
}

/** At most 70. */
export function digitsOf(count: number, ...parts: readonly string[]): string {
  return String(BigInt(`0x${seedOf(...parts).toString('hex')}`)).slice(0, count);
}

export function guidOf(...parts: readonly string[]): string {
  return hexOf(64, ...parts).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-4$3-8$4-$5');
}

/** Reaches the person by way of Apple. */
function relayOf(handle: string): string {
  return `${hexOf(10, 'relay', handle)}@privaterelay.appleid.com`;
}
