/** What each operation is sent in the matrix of callers and objects, and what else it needs there. */
import { inTransaction } from '../../src/context.ts';
import { bindDomain } from '../../src/core/connections/connections.ts';
import type { ConnectionId, DomainId } from '../../src/kernel/ids.ts';
import type { TestApp } from '../support/app.ts';

export type Ids = Readonly<Record<string, string>>;

export interface Row {
  readonly body?: (ids: Ids) => unknown;
  /** The media type of a body that is text; JSON unless it is said. */
  readonly type?: string;
  /** What the permitted are answered, where it is not the operation's own status. */
  readonly status?: number;
  /** What is answered for a thing that is not there, where it is not 404. */
  readonly missing?: number;
  /** Things the body names: made like those of the address. */
  readonly needs?: readonly string[];
  /** A list of the account's: things of this name, which those of another account are never among. */
  readonly lists?: string;
  /** What must be so before. */
  readonly prepare?: (app: TestApp, ids: Ids) => Promise<unknown>;
  /** It ends the account: each call has one of its own. */
  readonly endsAccount?: true;
}

let count = 0;
const fresh = (prefix: string) => `${prefix}${(count += 1)}`;

export const rows: Readonly<Record<string, Row>> = {
  listAccounts: {},
  createAccount: { body: () => ({ slug: fresh('made-'), name: 'Made' }) },
  getAccount: {},
  updateAccount: { body: () => ({ name: fresh('Renamed ') }) },
  lapseAccount: { endsAccount: true },
  suspendAccount: { endsAccount: true },
  closeAccount: { endsAccount: true },
  renewAccount: { body: () => ({ expires_at: null }) },

  listUsers: { lists: 'user_id' },
  getUser: {},
  updateUser: { body: () => ({ name: fresh('Renamed ') }) },
  removeUser: {},
  deactivateUser: {},
  reactivateUser: {},
  endUserSessions: {},
  sendPasswordReset: {},

  importUsers: {
    type: 'application/jsonl',
    body: () => `{"email":"${fresh('imported-')}@example.test"}\n`,
  },

  listPeople: {},
  getPerson: {},
  deactivatePerson: {},
  reactivatePerson: {},

  listSeats: { lists: 'seat_id' },
  assignSeat: {
    needs: ['user_id', 'product_id'],
    body: ({ user_id, product_id }) => ({ user_id, product_id }),
  },
  getSeat: {},
  endSeat: { body: () => ({ ends_at: '2100-01-01T00:00:00Z' }) },
  revokeSeat: {},

  listSeatRequests: { lists: 'request_id' },
  getSeatRequest: {},
  grantSeatRequest: { body: () => ({}) },
  refuseSeatRequest: {},

  listInvitations: { lists: 'invitation_id' },
  createInvitation: { body: () => ({ email: `${fresh('invited-')}@example.test` }) },
  getInvitation: {},
  resendInvitation: {},
  revokeInvitation: {},

  listSignIns: { lists: 'account_id' },
  listEvents: { lists: 'account_id' },
  listAllEvents: {},
  diagnose: { body: () => ({ email: 'alan@acme.test', client_id: 'demo-assist' }) },

  getMe: {},
  updateMe: { body: () => ({ locale: 'en' }) },
  changeMyPassword: { body: () => ({ current_password: 'wrong', password: 'a wholly new staple' }) },
  listMySessions: {},
  endMySession: {},
  endMySessions: {},
  listMyIdentities: {},
  linkMyIdentity: { body: () => ({ provider: 'google' }) },
  unlinkMyIdentity: {},
  restoreMyIdentity: {},

  listKeys: {},
  rotateKeys: { body: () => ({}) },
  retireKey: { status: 404 },

  listMail: {},
  retryMail: {},

  listProducts: {},
  createProduct: { body: () => ({ slug: fresh('made-'), name: 'Made' }) },
  getProduct: {},
  updateProduct: { body: () => ({ name: fresh('Renamed ') }) },
  deleteProduct: {},

  listClients: {},
  createClient: {
    body: () => ({
      client_id: fresh('made-client-'),
      name: 'Made',
      first_party: true,
      auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
    }),
  },
  getClient: {},
  updateClient: { body: () => ({ name: fresh('Renamed ') }) },
  rotateClientSecret: { body: () => ({ overlap_seconds: 60 }) },
  deleteClient: {},

  listSubscriptions: { lists: 'product_id' },
  getSubscription: {},
  putSubscription: { body: () => ({ seats: 9, starts_at: '2020-01-01T00:00:00Z', expires_at: null }) },
  deleteSubscription: {},

  listDomains: { lists: 'domain_id' },
  claimDomain: { body: () => ({ name: `${fresh('claimed')}.example` }) },
  getDomain: {},
  updateDomain: { body: () => ({ include_subdomains: true }), status: 422 },
  verifyDomain: { status: 422 },
  releaseDomain: {},
  vouchForDomain: {},
  resolveDomainDispute: { body: () => ({ outcome: 'transfer' }), status: 409 },
  resumeDomainLinking: { status: 409 },

  listConnections: { lists: 'connection_id' },
  createConnection: {
    body: () => ({
      kind: 'oidc',
      label: 'Made',
      issuer: 'http://127.0.0.1:9',
      client_id: 'c',
      client_secret: 's',
    }),
    // the identity provider is not there
    status: 422,
  },
  getConnection: {},
  updateConnection: { body: () => ({ label: fresh('Renamed ') }) },
  deleteConnection: {},
  testConnection: {},
  pilotConnection: { body: () => ({ emails: ['ada@acme.test'] }), status: 409 },
  enableConnection: { status: 409 },
  requireConnection: { needs: ['user_id'], body: ({ user_id }) => ({ break_glass: [user_id] }), status: 409 },
  disableConnection: {},
  refreshConnectionMetadata: { status: 409 },
  bindConnectionDomain: { body: () => ({}) },
  unbindConnectionDomain: { prepare: bind },
  listConnectionKeys: {},
  // it has none of that use that a next one could follow
  createConnectionKey: { body: () => ({ use: 'signing' }), status: 409 },
  rotateConnectionKey: { body: () => ({ use: 'signing' }), status: 409 },
  listConnectionAttempts: {},
};

function bind({ ctx }: TestApp, ids: Ids): Promise<void> {
  const connectionId = ids['connection_id'] as ConnectionId;
  const domainId = ids['domain_id'] as DomainId;
  return inTransaction(ctx, (tx) => bindDomain(tx, { connectionId, domainId }));
}
