/** From what an identity provider asserts to what a user is made of: pure, exact, and never more than was configured. */
import type { ProductId } from '../../kernel/ids.ts';
import type { Role } from '../memberships/memberships.ts';
import type { ExternalIdentity, MappedIdentity } from './external-identity.ts';
import type { Mapping } from './settings.ts';

const maxEmail = 254;
const maxName = 200;
/** With more of them nobody knows whether all have come. */
const maxGroups = 500;
const maxGroup = 1000;

/** The fields of a user; a candidate with no value, several, or one that cannot be stored is passed over. */
export function mapIdentity(mapping: Mapping, external: ExternalIdentity): MappedIdentity {
  const email = firstSingle(external, mapping.email, maxEmail);
  const name = nameOf(mapping, external);
  const groups = mapping.groups === null ? undefined : groupsOf(external, mapping.groups);
  return {
    ...(email !== undefined && { email }),
    ...(name !== undefined && { name }),
    ...(groups !== undefined && { groups }),
  };
}

function nameOf({ name, givenName, familyName }: Mapping, external: ExternalIdentity): string | undefined {
  const whole = firstSingle(external, name, maxName);
  if (whole !== undefined) return whole;
  const parts = [givenName, familyName].map((candidates) => firstSingle(external, candidates, maxName));
  const joined = parts.filter((part) => part !== undefined).join(' ');
  return joined === '' || joined.length > maxName ? undefined : joined;
}

/** Of several values none is better than the others: an attacker who adds one must not be the one who is believed. */
function firstSingle(
  external: ExternalIdentity,
  candidates: readonly string[],
  maxLength: number,
): string | undefined {
  for (const candidate of candidates) {
    const values = new Set(valuesOf(external, candidate).map((value) => value.trim()));
    values.delete('');
    const [only = ''] = values;
    if (values.size === 1 && only.length <= maxLength && isStorable(only)) return only;
  }
  return undefined;
}

/** By its own name only: `__proto__` and its like name nothing. A NameID is among the attributes of SAML. */
function valuesOf({ attributes, subject }: ExternalIdentity, name: string): readonly string[] {
  if (Object.hasOwn(attributes, name)) return attributes[name] ?? [];
  return name === 'sub' ? [subject] : [];
}

/** Control characters have no place in a name or an address, and NUL none in the database. */
function isStorable(text: string): boolean {
  return !/\p{Cc}/u.test(text) && text.isWellFormed();
}

/** Undefined when there are more than were sent: roles must not be lost for that. None at all is an answer. */
function groupsOf({ attributes }: ExternalIdentity, name: string): readonly string[] | undefined {
  if (!Object.hasOwn(attributes, name)) return isOverage(attributes, name) ? undefined : [];
  const groups = [...new Set(attributes[name])].filter((group) => group !== '' && group.length <= maxGroup);
  return groups.length > maxGroups ? undefined : groups;
}

/** Entra ID, for a person in more than 150 or 200 groups, sends a pointer to them instead, in one of these forms. */
function isOverage(attributes: ExternalIdentity['attributes'], name: string): boolean {
  const signs = ['hasgroups', 'http://schemas.microsoft.com/claims/groups.link', `${name}.link`];
  const pointed = Object.hasOwn(attributes, '_claim_names') ? attributes['_claim_names'] : undefined;
  return pointed?.includes(name) === true || signs.some((sign) => Object.hasOwn(attributes, sign));
}

export interface RolesAndProducts {
  /** Undefined when the groups say nothing about it: it stays what it is. */
  readonly role: Role | undefined;
  readonly products: readonly ProductId[];
  /** Groups whose role is above the ceiling: not given, and to be audited. */
  readonly aboveCeiling: readonly string[];
}

/**
 * What follows from the groups: the highest role that is not above the ceiling, and the products. Groups that nothing
 * is said of are nothing; whoever is in none that gives a role is an agent. Groups that are not known change nothing.
 */
export function rolesAndProducts(mapping: Mapping, groups: readonly string[] | undefined): RolesAndProducts {
  const named = groups ?? [];
  const wished = named.flatMap((group) => {
    const role = own(mapping.roles, group);
    return role !== undefined && isRole(role) ? [{ group, role }] : [];
  });
  const isAbove = (role: Role): boolean => rank[role] > rank[mapping.roleCeiling];
  const given = wished.map(({ role }) => role).filter((role) => !isAbove(role));
  const products = named.flatMap((group) => own(mapping.products, group) ?? []);
  return {
    role: groups && higher('agent', ...given),
    products: [...new Set([...mapping.everybodysProducts, ...products])],
    aboveCeiling: wished.filter(({ role }) => isAbove(role)).map(({ group }) => group),
  };
}

const rank: Readonly<Record<Role, number>> = { agent: 0, admin: 1 };

/** FD-11: whatever a table in the database says, there are no other roles, and none of an operator. */
function isRole(text: string): text is Role {
  return Object.hasOwn(rank, text);
}

function higher(...roles: readonly [Role, ...Role[]]): Role {
  return roles.reduce((highest, role) => (rank[role] > rank[highest] ? role : highest));
}

function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
