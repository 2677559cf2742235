/** What would become of a person who came by a connection now: the rules of provisioning.ts, and nothing is written. */
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, ProductId, UserId } from '../../kernel/ids.ts';
import { type AccessFacts, loadProspectFacts } from '../access/access.ts';
import type { Refusal } from '../attempts/attempts.ts';
import { type Connection, rolesAndProducts } from '../connections/connections.ts';
import { findPendingInvitation, listInvitedProducts } from '../invitations/invitations.ts';
import type { Role } from '../memberships/memberships.ts';
import { countFreeSeats } from '../seats/seats.ts';
import type { UserSummary } from '../users/users.ts';
import { judgeAssertedEmail } from './asserted-email.ts';
import { decideMatch, isUnproven } from './decide.ts';

/** Somebody for whom the identity provider would say that this address is theirs. */
export interface Arrival {
  readonly connection: Connection;
  readonly email: EmailAddress;
  /** Who has the address, with what the access decision knows of them today. */
  readonly user: (Pick<UserSummary, 'id' | 'state' | 'emailVerifiedAt'> & FactsOf) | undefined;
  /** An identity of the connection is theirs already. */
  readonly isLinked: boolean;
  readonly clientId: string;
  readonly now: Date;
}

interface FactsOf {
  readonly facts: AccessFacts;
}

/** What the access decision would rest on afterwards; undefined facts where the client does not exist. */
export type Foreseen =
  Refusal | { readonly does: 'welcome' | 'create' | 'claim' | 'link' | 'leave'; readonly facts: AccessFacts };

/**
 * Whom a connection would let in as whom. What the groups of the day would change, of roles and seats, nobody can know
 * but the identity provider: it is left as it is. Undefined where the client does not exist.
 */
export async function foreseeArrival(db: Db, arrival: Arrival): Promise<Foreseen | undefined> {
  const { connection, email, user, isLinked } = arrival;
  if (user && isLinked) return { does: 'welcome', facts: user.facts };
  const asserted = await judgeAssertedEmail(db, connection, { email });
  if ('refused' in asserted) return asserted;
  const { accountId, mapping } = connection;
  const membership = user?.facts.accounts.find(({ id }) => id === accountId);
  const isMember = membership !== undefined;
  const isSwitchedOff = membership?.deactivated === true;
  const key = user && { accountId, userId: user.id };
  const invitation =
    key && !isMember && isUnproven(user) ? await findPendingInvitation(db, key, arrival.now) : undefined;
  const belongs = isMember || invitation !== undefined;
  const does = decideMatch({ user, belongs, isSwitchedOff, provisioning: mapping.provisioning });
  if (typeof does === 'object') return does;
  if (user && (does === 'leave' || does === 'link')) return { does, facts: user.facts };
  const active = user && asActive(user.facts);
  if (active && isMember) return { does, facts: active };
  const { role = 'agent', products } = rolesAndProducts(mapping, undefined);
  const place = invitation
    ? { role: invitation.role, products: await productsOf(db, invitation.id) }
    : { role, products };
  const prospect = await foreseeMember(db, arrival, place);
  return prospect && { does, facts: active ? withAccountsOf(active, prospect) : prospect };
}

interface Place {
  readonly role: Role;
  readonly products: readonly ProductId[];
}

async function productsOf(db: Db, invitationId: string): Promise<ProductId[]> {
  return (await listInvitedProducts(db, invitationId)).map(({ id }) => id);
}

/** Where no seat is left the person comes in all the same, without. */
async function foreseeMember(
  db: Db,
  { connection: { accountId }, email, clientId, user, now }: Arrival,
  { role, products }: Place,
): Promise<AccessFacts | undefined> {
  const free: ProductId[] = [];
  for (const productId of products)
    if (await hasFreeSeat(db, { accountId, productId, userId: user?.id }, now)) free.push(productId);
  return loadProspectFacts(db, { clientId, accountId, email, role, products: free, now });
}

async function hasFreeSeat(
  db: Db,
  { userId, ...place }: { accountId: AccountId; productId: ProductId; userId: UserId | undefined },
  now: Date,
): Promise<boolean> {
  // an id that nobody has, for somebody who is nobody yet
  return (await countFreeSeats(db, { ...place, userId: userId ?? 'usr_' }, now)) > 0;
}

function asActive(facts: AccessFacts): AccessFacts {
  return { ...facts, user: { ...facts.user, state: 'active', emailVerified: true } };
}

function withAccountsOf(facts: AccessFacts, { accounts }: AccessFacts): AccessFacts {
  const all = [...facts.accounts, ...accounts];
  return { ...facts, accounts: all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)) };
}
