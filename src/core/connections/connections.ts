/**
 * Connections: one account's enterprise identity providers. draft → tested → pilot → enabled → required, and disabled.
 * Operators and the account's admins change them; what the identity provider publishes is refreshed by itself.
 */
import type { Db } from '../../db/connect.ts';
import { domainOf, type EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId, ConnectionId } from '../../kernel/ids.ts';
import { discoverHome, type HomeRealm, type Narrowing } from './home-realm.ts';
import { type Connection, findConnection, findConnectionOf, selectRoutes } from './queries.ts';

export { bindDomain, type NewBinding, unbindDomain } from './bindings.ts';
export { hashSettings, openClientSecret } from './configuration.ts';
export { createConnection, establishConnection, type NewConnection, storeConnection } from './create.ts';
export type { ExternalIdentity, MappedIdentity } from './external-identity.ts';
export { discoverHome, type ConnectionChoice, type HomeRealm } from './home-realm.ts';
export {
  addConnectionKey,
  type ConnectionKey,
  createConnectionKey,
  type KeyPlace,
  type KeyState,
  keyUses,
  type KeyUse,
  listConnectionKeys,
  type MadeKey,
  makeKey,
  makeOwnKey,
  openConnectionKey,
  rotateConnectionKeys,
  storeConnectionKey,
} from './keys.ts';
export {
  type Change,
  deleteConnection,
  disableConnection,
  enableConnection,
  isTested,
  pilotConnection,
  requireConnection,
} from './life-cycle.ts';
export { type BoundDomain, listBindings, listBoundDomains } from './life-cycle-queries.ts';
export { getLockedConnection } from './lock.ts';
export { mapIdentity, rolesAndProducts, type RolesAndProducts } from './mapping.ts';
export { mergePublished, usableCertificates } from './merge-published.ts';
export { makeKeysFor, makeMissingKeys, type OwnKeys } from './own-keys.ts';
export { parseMapping, type ParseRules, parseSettings } from './parse.ts';
export { claimRefresh, claimRefreshNow, type Fetched, refreshSeconds, settleRefresh } from './publish.ts';
export { updateOidcPublished } from './publish-queries.ts';
export { type Doors, findDoors } from './required.ts';
export { updateResealedSecret } from './reseal.ts';
export { reviseConnection, type Revision } from './revise.ts';
export { assertReferences } from './references.ts';
export { beginTest, consumeTest, offerTest, passTest, type Trial } from './trial.ts';
export { listEndings, warnOfCertificates } from './warnings.ts';
export { markCompany, readMark, rememberedSeconds } from './remembered.ts';
export {
  type Connection,
  type ConnectionRef,
  type ConnectionState,
  findConnection,
  listLiveConnections,
  type OidcConnection,
  type SamlConnection,
  listConnections,
} from './queries.ts';
export {
  clientAuthMethods,
  type ConnectionSettings,
  defaultMapping,
  idpInitiatedModes,
  idTokenAlgorithms,
  type IdpCertificate,
  type Mapping,
  type OidcPublished,
  type OidcSettings,
  type SamlPublished,
  type SamlSettings,
  signaturePolicies,
  type SignaturePolicy,
} from './settings.ts';

/** A connection of this account. Failure `not_found`, another account's being as good as none. */
export async function getConnection(
  db: Db,
  { accountId, connectionId }: { readonly accountId: AccountId; readonly connectionId: ConnectionId },
): Promise<Connection> {
  const connection = await findConnectionOf(db, accountId, connectionId);
  if (!connection) throw new Failure('not_found');
  return connection;
}

/** People may come by it: those of the pilot, or everybody. */
export function isLive({ state }: Connection): boolean {
  return state === 'pilot' || state === 'enabled' || state === 'required';
}

/** Where the domain of an address leads, in one statement. */
export async function findHome(db: Db, email: EmailAddress, narrowing?: Narrowing): Promise<HomeRealm> {
  return discoverHome(await selectRoutes(db, domainOf(email)), email, narrowing);
}

/** The same for a domain alone, where a client names one; nobody's pilot. */
export async function findHomeOfDomain(db: Db, domain: string): Promise<HomeRealm> {
  return discoverHome(await selectRoutes(db, domain), undefined);
}

/** A live connection by its id; what is not live is as good as not there. */
export async function findLiveConnection(db: Db, id: ConnectionId): Promise<Connection | undefined> {
  const connection = await findConnection(db, id);
  return connection && isLive(connection) ? connection : undefined;
}
