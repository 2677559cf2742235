/** The company's sign-in, as far as an address leads there: whose domain it is, its connections, and who they would let in. */
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, ConnectionId } from '../../kernel/ids.ts';
import { getAccountName } from '../accounts/accounts.ts';
import type { AccessFacts } from '../access/access.ts';
import { listAttempts } from '../attempts/attempts.ts';
import {
  type Connection,
  findHome,
  findLiveConnection,
  listConnections,
} from '../connections/connections.ts';
import {
  coveringDomain,
  findClaim,
  findDomainOwner,
  type Ownership,
  parseDomainName,
} from '../domains/domains.ts';
import { foreseeArrival, type Foreseen } from '../provisioning/provisioning.ts';
import type { UserSummary } from '../users/users.ts';

export interface Company {
  readonly connection: Connection;
  /** Undefined where the client does not exist. */
  readonly foreseen: Foreseen | undefined;
}

/** A connection as it stands, with the last sign-ins by it. */
export interface Standing {
  readonly connection: Connection;
  /** The address is sent there. */
  readonly leads: boolean;
  readonly attempts: readonly Attempt[];
}

type Attempt = Pick<
  Awaited<ReturnType<typeof listAttempts>>[number],
  'outcome' | 'code' | 'stage' | 'caseId' | 'startedAt'
>;

export interface Companies {
  readonly owner: (Ownership & { readonly account: string }) | undefined;
  /** Where nobody has proven the domain: how the claim of one of their accounts stands. */
  readonly claim: { readonly state: string } | undefined;
  /** Those that the domain is bound to, whether or not they are live. */
  readonly standings: readonly Standing[];
  /** Where the address leads. */
  readonly ways: readonly Company[];
}

interface Asked {
  readonly email: EmailAddress;
  readonly domain: string;
  readonly within: AccountId | undefined;
  readonly person:
    | {
        readonly user: Pick<UserSummary, 'id' | 'state' | 'emailVerifiedAt'>;
        readonly links: readonly ConnectionId[];
        readonly facts: AccessFacts | undefined;
      }
    | undefined;
  readonly clientId: string;
  readonly now: Date;
}

/** Another account's domain and its connections are not there for an admin who asks `within` one. */
export async function findCompanies(db: Db, asked: Asked): Promise<Companies> {
  const { email, domain, within } = asked;
  const owner = await findDomainOwner(db, domain);
  const told = within === undefined || owner?.accountId === within ? owner : undefined;
  const leading = (await findHome(db, email)).connections.map(({ id }) => id);
  return {
    owner: told && { ...told, account: await getAccountName(db, told.accountId) },
    claim: owner ? undefined : await findOwnClaim(db, asked),
    standings: told ? await findStandings(db, { ...asked, accountId: told.accountId, leading }) : [],
    ways: told ? await findWays(db, asked, leading) : [],
  };
}

async function findOwnClaim(
  db: Db,
  { domain, within, person }: Asked,
): Promise<{ readonly state: string } | undefined> {
  const name = parseDomainName(domain);
  const accounts = within ? [within] : (person?.facts?.accounts ?? []).map(({ id }) => id);
  for (const accountId of name ? accounts : []) {
    const claim = name && (await findClaim(db, { accountId, name }));
    if (claim) return { state: claim.state };
  }
  return undefined;
}

const mostAttempts = 10;

async function findStandings(
  db: Db,
  { accountId, domain, leading }: Asked & { accountId: AccountId; leading: readonly ConnectionId[] },
): Promise<Standing[]> {
  const standings: Standing[] = [];
  for (const connection of await listConnections(db, accountId)) {
    const of = { connectionId: connection.id, emailDomain: domain };
    if (!(await coveringDomain(db, of))) continue;
    const attempts = await listAttempts(db, { accountId, connectionId: connection.id, limit: mostAttempts });
    standings.push({ connection, leads: leading.includes(connection.id), attempts });
  }
  return standings;
}

async function findWays(
  db: Db,
  { email, person, clientId, now }: Asked,
  leading: readonly ConnectionId[],
): Promise<Company[]> {
  const ways: Company[] = [];
  for (const id of leading) {
    const connection = await findLiveConnection(db, id);
    if (!connection) continue;
    const isLinked = person?.links.includes(id) === true;
    const user = person?.facts && { ...person.user, facts: person.facts };
    const foreseen = await foreseeArrival(db, { connection, email, user, isLinked, clientId, now });
    ways.push({ connection, foreseen });
  }
  return ways;
}
