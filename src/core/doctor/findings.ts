/** What a diagnosis rests on: read by the questions that a sign-in asks, and only what whoever asks may know. */
import type { Config } from '../../../config/load.ts';
import type { Db } from '../../db/connect.ts';
import { domainOf, type EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, ConnectionId } from '../../kernel/ids.ts';
import { type AccessFacts, loadAccessFacts } from '../access/access.ts';
import { type Client, findClient, scopesOf } from '../clients/clients.ts';
import { findDoors, findHome, type HomeRealm } from '../connections/connections.ts';
import { findThrottleState, hasPassword, type ThrottleState } from '../credentials/credentials.ts';
import { listLinkedConnections, listOwnIdentities, type SocialProvider } from '../identities/identities.ts';
import { findPendingInvitation } from '../invitations/invitations.ts';
import { findUserByEmail, type UserSummary } from '../users/users.ts';
import { findCompanies, type Companies } from './companies.ts';

export interface Question {
  readonly email: string;
  readonly clientId: string;
  /** The account that the client asks for, by id or slug. */
  readonly account?: string | undefined;
  /** Whose admin asks: nothing is told of other accounts, nor of people who are not this one's. */
  readonly within?: AccountId | undefined;
  readonly config: Pick<Config, 'secretKeys' | 'social' | 'issuer'>;
  readonly now: Date;
}

export interface Person {
  readonly user: Pick<UserSummary, 'id' | 'state' | 'emailVerifiedAt'>;
  readonly hasPassword: boolean;
  readonly providers: readonly SocialProvider[];
  /** The connections they have come by. */
  readonly links: readonly ConnectionId[];
  /** They keep their password although the company's sign-in is required. */
  readonly breaksGlass: boolean;
  /** Undefined where the client does not exist. */
  readonly facts: AccessFacts | undefined;
}

export interface Findings {
  readonly email: EmailAddress;
  readonly now: Date;
  readonly within: AccountId | undefined;
  /** The only one that will do, by id or slug. */
  readonly account: string | undefined;
  readonly client: Client | undefined;
  /** What the client may ask for, and none of its resources knows. */
  readonly unknownScopes: readonly string[];
  readonly home: HomeRealm;
  readonly companies: Companies;
  readonly person: Person | undefined;
  /** Undefined where it is not told. */
  readonly throttle: ThrottleState | undefined;
  readonly providersOn: readonly string[];
}

/** Everything, read in a few dozen statements; nothing is written. */
export async function loadFindings(db: Db, question: Question, email: EmailAddress): Promise<Findings> {
  const { clientId, within, config, now } = question;
  const client = await findClient(db, clientId);
  const person = await findPerson(db, question, email);
  const isHidden = within !== undefined && !person?.facts?.accounts.length;
  return {
    email,
    now,
    within,
    account: within ?? question.account,
    client,
    unknownScopes: client ? unknownScopes(client, config) : [],
    home: await findHome(db, email),
    companies: await findCompanies(db, { email, domain: domainOf(email), within, person, clientId, now }),
    person,
    throttle: isHidden ? undefined : await findThrottleState(db, { config: question.config, email, now }),
    providersOn: Object.keys(config.social),
  };
}

async function findPerson(
  db: Db,
  { clientId, within, now }: Question,
  email: EmailAddress,
): Promise<Person | undefined> {
  const user = await findUserByEmail(db, email);
  if (!user) return undefined;
  const facts = await loadAccessFacts(db, { userId: user.id, clientId });
  if (within !== undefined && !facts?.accounts.some(({ id }) => id === within)) {
    const invitation = await findPendingInvitation(db, { accountId: within, userId: user.id }, now);
    return invitation && asInvitee(user, facts);
  }
  const doors = await findDoors(db, { email, userId: user.id });
  return {
    user,
    hasPassword: await hasPassword(db, user.id),
    providers: (await listOwnIdentities(db, user.id)).map(({ provider }) => provider),
    links: await listLinkedConnections(db, user.id),
    breaksGlass: doors.home.requiredBy !== undefined && !doors.companyOnly,
    facts: facts && narrowed(facts, within),
  };
}

function narrowed(facts: AccessFacts, within: AccountId | undefined): AccessFacts {
  if (within === undefined) return facts;
  return { ...facts, accounts: facts.accounts.filter(({ id }) => id === within) };
}

/**
 * Whom an account has invited: as if nobody had had the address before. An admin may invite any address, and must not
 * learn by it who is behind one.
 */
function asInvitee({ id }: UserSummary, facts: AccessFacts | undefined): Person {
  const masked = { state: 'invited', emailVerified: false, name: null, locale: null } as const;
  return {
    user: { id, state: 'invited', emailVerifiedAt: null },
    hasPassword: false,
    providers: [],
    links: [],
    breaksGlass: false,
    facts: facts && { ...facts, user: { ...facts.user, ...masked }, accounts: [] },
  };
}

function unknownScopes(client: Client, config: Pick<Config, 'issuer'>): string[] {
  const { scopes, resources, product } = client;
  const known = new Set(['openid', 'profile', 'email', 'offline_access']);
  for (const resource of new Set([...resources, ...(product?.resource ? [product.resource] : [])])) {
    for (const scope of scopesOf(config, client, resource) ?? []) known.add(scope);
  }
  return scopes.filter((scope) => !known.has(scope));
}
