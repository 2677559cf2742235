/** From the members of a row to the person it speaks of: strictly, since a file is easily made wrong a thousand times. */
import { type EmailAddress, parseEmail } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { ProductId } from '../../kernel/ids.ts';
import { isForeignHash } from '../credentials/credentials.ts';
import type { Role } from '../memberships/memberships.ts';

export interface ImportedUser {
  readonly email: EmailAddress;
  readonly name: string | undefined;
  /** Undefined: an agent, and whoever is a member already keeps the role they have. */
  readonly role: Role | undefined;
  /** In the one order in which subscriptions are locked. */
  readonly products: readonly ProductId[];
  readonly passwordHash: string | undefined;
  readonly locale: string | undefined;
  /** What somebody becomes who is not here yet. */
  readonly state: 'active' | 'invited';
  readonly emailVerified: boolean;
}

export interface RowRules {
  /** What the account has subscribed to, by slug. */
  readonly products: ReadonlyMap<string, ProductId>;
  readonly mayVouch: boolean;
}

type Members = Readonly<Record<string, unknown>>;
type Parsed<Value> = { readonly value: Value } | { readonly problem: string };
type Parser<Value> = (input: unknown) => Parsed<Value>;

const parsers = {
  email: parseAddress,
  name: parseName,
  role: oneOf(['admin', 'agent']),
  products: parseSlugs,
  password_hash: parseHash,
  locale: parseLocale,
  state: oneOf(['active', 'invited']),
  email_verified: parseFlag,
} satisfies Record<string, Parser<unknown>>;

export const columns = Object.keys(parsers);

export function isColumn(name: string): boolean {
  return Object.hasOwn(parsers, name);
}

/** Who vouches for people answers for them: nobody but an operator. */
const vouching = 'can be set by operators only';

/** A row of a thousand unknown members is answered with a few of them. */
const mostFields = 20;

/** Failure `invalid_input` with every field that is wrong. null is a member that was left out. */
export function parseRow(members: Members, rules: RowRules): ImportedUser {
  const problems = new Map<string, string>();
  for (const name of Object.keys(members)) if (!isColumn(name)) problems.set(...unknownMember(name));
  const read = <Value>(name: string, parse: Parser<Value>): Value | undefined => {
    const input = Object.hasOwn(members, name) ? members[name] : undefined;
    if (input === undefined || input === null) return undefined;
    const parsed = parse(input);
    if ('value' in parsed) return parsed.value;
    problems.set(name, parsed.problem);
    return undefined;
  };
  const given = {
    email: read('email', parsers.email),
    passwordHash: read('password_hash', parsers.password_hash),
    state: read('state', parsers.state),
    emailVerified: read('email_verified', parsers.email_verified) ?? false,
    name: read('name', parsers.name),
    role: read('role', parsers.role),
    products: read('products', (input) => parseProducts(rules, input)) ?? [],
    locale: read('locale', parsers.locale),
  };
  const { email, passwordHash, state } = given;
  if (email === undefined && !problems.has('email')) problems.set('email', 'is missing');
  if (passwordHash !== undefined && state === 'invited')
    problems.set('state', 'cannot be invited with a password_hash');
  if (!rules.mayVouch) for (const name of vouchedFor(given)) problems.set(name, vouching);
  if (email === undefined || problems.size > 0)
    throw new Failure('invalid_input', { fields: Object.fromEntries([...problems].slice(0, mostFields)) });
  return { ...given, email, state: state ?? (passwordHash === undefined ? 'invited' : 'active') };
}

interface Vouched extends Pick<ImportedUser, 'passwordHash' | 'emailVerified'> {
  readonly state: ImportedUser['state'] | undefined;
}

function vouchedFor(given: Vouched): readonly string[] {
  return [
    ...(given.passwordHash === undefined ? [] : ['password_hash']),
    ...(given.emailVerified ? ['email_verified'] : []),
    ...(given.state === 'active' ? ['state'] : []),
  ];
}

/** A name that is no word is not said again: it could be anything, and is read by people on terminals. */
function unknownMember(name: string): readonly [string, string] {
  return /^[a-z][a-z0-9_-]{0,63}$/i.test(name)
    ? [name, 'is not known']
    : ['row', 'has a member whose name is not known'];
}

function parseAddress(input: unknown): Parsed<EmailAddress> {
  const value = parseEmail(input);
  return value ? { value } : { problem: 'is not an email address' };
}

/** For people: no control characters, no half characters. */
function parseName(input: unknown): Parsed<string> {
  const value = typeof input === 'string' ? input.trim() : '';
  if (value === '' || value.length > 200) return { problem: 'is not a text of 1 to 200 characters' };
  const isClean = !/\p{Cc}/u.test(value) && value.isWellFormed();
  return isClean ? { value } : { problem: 'has characters that cannot be used' };
}

function oneOf<const Value extends string>(values: readonly Value[]): Parser<Value> {
  return (input) => {
    const value = values.find((candidate) => candidate === input);
    return value === undefined ? { problem: `is not one of ${values.join(', ')}` } : { value };
  };
}

function parseFlag(input: unknown): Parsed<boolean> {
  return typeof input === 'boolean' ? { value: input } : { problem: 'is neither true nor false' };
}

function parseHash(input: unknown): Parsed<string> {
  return typeof input === 'string' && isForeignHash(input)
    ? { value: input }
    : { problem: 'is not a bcrypt, scrypt or PBKDF2 hash of acceptable cost' };
}

/** @see RFC 5646 */
function parseLocale(input: unknown): Parsed<string> {
  const problem = 'is not a language tag';
  if (typeof input !== 'string' || input.length > 35) return { problem };
  try {
    const [value] = Intl.getCanonicalLocales(input);
    return value !== undefined && value.length <= 35 ? { value } : { problem };
  } catch {
    return { problem };
  }
}

function parseSlugs(input: unknown): Parsed<readonly string[]> {
  const isList =
    Array.isArray(input) && input.length <= 50 && input.every((slug) => typeof slug === 'string');
  return isList ? { value: input } : { problem: 'is not a list of at most 50 names' };
}

function parseProducts({ products }: RowRules, input: unknown): Parsed<readonly ProductId[]> {
  const slugs = parseSlugs(input);
  if ('problem' in slugs) return slugs;
  const ids = slugs.value.map((slug) => products.get(slug)).filter((id) => id !== undefined);
  if (ids.length < slugs.value.length)
    return { problem: 'names a product that the account has not subscribed to' };
  return { value: [...new Set(ids)].sort() };
}
