/** What each change of the admin interface is when its answer is lost: how it comes to succeed, and what a repeat does. */
import { inTransaction } from '../../src/context.ts';
import { claimDomain, type DomainKey, getDomain, verifyDomain } from '../../src/core/domains/domains.ts';
import { linkSocialIdentity, type SocialIdentity } from '../../src/core/identities/identities.ts';
import { rotateSigningKeys } from '../../src/core/keys/keys.ts';
import { demoPassword } from '../../src/demo/world.ts';
import type { AccountId, ConnectionId, DomainId, UserId } from '../../src/kernel/ids.ts';
import type { Ids } from '../admin/matrix-rows.ts';
import type { Api } from '../support/api.ts';
import type { TestApp } from '../support/app.ts';
import type { Resolvers } from '../support/domains.ts';
import { makeMember, makeUser } from '../support/make.ts';
import { passNow, signedIn } from '../support/make-connection.ts';

export interface World {
  readonly app: TestApp;
  readonly operator: Api;
  readonly resolvers: Resolvers;
  readonly accountId: AccountId;
  /** An account beside that. */
  readonly otherId: AccountId;
}

/** The person is who calls, where people call. */
type Arrange = (world: World, ids: Ids, person: Api) => Promise<Ids>;

export interface LostReply {
  /** Sees to it that it succeeds; answers what it is about then. */
  readonly arrange?: Arrange;
  readonly body?: (ids: Ids, world: World) => unknown;
  /** What a repeat is answered that has no key, or whose key counts for nothing; what it was at first unless said. */
  readonly again?: number;
  /** What such a repeat changes once more, by the names of tables: it asks for another one. Nothing unless said. */
  readonly anew?: readonly string[];
  /** It changes nothing, not even once. */
  readonly isIdle?: true;
  /** It is a POST that takes no key. */
  readonly isKeyless?: true;
}

const at = (ids: Ids, noun: string, id: string) => `/accounts/${ids['account_id']}/${noun}/${ids[id]}`;

/** Through the interface, as an operator. */
const after =
  (path: (ids: Ids) => string): Arrange =>
  async ({ operator }, ids) => {
    await operator.post(path(ids));
    return ids;
  };

async function tested({ app }: World, ids: Ids): Promise<Ids> {
  await passNow(app.ctx, ids['connection_id'] as ConnectionId);
  return ids;
}

async function enabled(world: World, ids: Ids): Promise<Ids> {
  await tested(world, ids);
  await world.operator.post(`${at(ids, 'connections', 'connection_id')}/enable`);
  return ids;
}

/** Somebody of the account's admins has come in by the connection. */
async function enteredBy(world: World, ids: Ids): Promise<Ids> {
  await enabled(world, ids);
  const { ctx } = world.app;
  const { id } = await makeUser(ctx);
  await makeMember(ctx, id, ids['account_id'] as AccountId, 'admin');
  const connection = { id: ids['connection_id'] as ConnectionId, accountId: ids['account_id'] as AccountId };
  await signedIn(ctx, connection, id);
  return { ...ids, user_id: id };
}

async function withKeys({ operator, app }: World, ids: Ids): Promise<Ids> {
  const made = await operator.post(`/accounts/${ids['account_id']}/connections`, {
    kind: 'saml',
    label: 'With keys',
    metadata_url: `${app.issuer}/demo/idp/saml/metadata`,
    settings: { encryption: true },
  });
  return { ...ids, connection_id: made.body.id as string };
}

async function withNextKey(world: World, ids: Ids): Promise<Ids> {
  const made = await withKeys(world, ids);
  await world.operator.post(`${at(made, 'connections', 'connection_id')}/keys`, { use: 'signing' });
  return made;
}

const keyOf = (ids: Ids): DomainKey => ({
  accountId: ids['account_id'] as AccountId,
  id: ids['domain_id'] as DomainId,
});

async function proven({ app, resolvers }: World, ids: Ids): Promise<Ids> {
  resolvers.prove(await getDomain(app.ctx.db, keyOf(ids)));
  return ids;
}

/** Another account had it first, and proves it as well. */
async function disputed({ app: { ctx }, resolvers, otherId }: World, ids: Ids): Promise<Ids> {
  const ours = await getDomain(ctx.db, keyOf(ids));
  const theirs = await inTransaction(ctx, (tx) => claimDomain(tx, { accountId: otherId, name: ours.name }));
  resolvers.prove(ours, theirs);
  await verifyDomain(ctx, theirs);
  await verifyDomain(ctx, ours);
  return ids;
}

/** An identity of the caller's own. */
async function linked({ app: { ctx } }: World, ids: Ids, person: Api): Promise<Ids> {
  const { id: userId } = (await person.get('/me')).body as { id: UserId };
  const identity: SocialIdentity = {
    provider: 'google',
    issuer: 'https://accounts.google.com',
    subject: userId,
    emailTrust: 'none',
    attributes: {},
    amr: [],
  };
  const link = { userId, identity, email: 'linked@gmail.test', proof: { method: 'sign_in' } };
  await inTransaction(ctx, (tx) => linkSocialIdentity(tx, link));
  const { items } = (await person.get('/me/identities')).body as { items: { id: string }[] };
  return { ...ids, identity_id: items[0]?.id ?? '' };
}

export const lostReplies: Readonly<Record<string, LostReply>> = {
  createAccount: { again: 409 },
  updateAccount: {},
  lapseAccount: {},
  suspendAccount: {},
  closeAccount: {},
  renewAccount: {
    arrange: after((ids) => `/accounts/${ids['account_id']}/lapse`),
  },
  updateUser: {},
  removeUser: { again: 404 },
  deactivateUser: {},
  reactivateUser: { arrange: after((ids) => `${at(ids, 'users', 'user_id')}/deactivate`) },
  endUserSessions: { isIdle: true },
  sendPasswordReset: { anew: ['events', 'password_reset_requests', 'throttles'] },
  importUsers: { isKeyless: true },
  deactivatePerson: {},
  reactivatePerson: {
    arrange: after((ids) => `/users/${ids['user_id']}/deactivate`),
  },
  assignSeat: { again: 409 },
  endSeat: {},
  revokeSeat: { again: 404 },
  grantSeatRequest: { again: 409 },
  refuseSeatRequest: { again: 409 },
  createInvitation: { again: 409 },
  resendInvitation: { again: 429 },
  revokeInvitation: { again: 409 },
  diagnose: { isIdle: true, isKeyless: true },
  updateMe: {},
  changeMyPassword: {
    body: () => ({ current_password: demoPassword, password: 'a wholly new staple' }),
    again: 401,
  },
  endMySession: {
    again: 401,
    arrange: async (_world, ids, person) => {
      const { items } = (await person.get('/me/sessions')).body as { items: { id: string }[] };
      return { ...ids, session_id: items[0]?.id ?? '' };
    },
  },
  endMySessions: { again: 401 },
  linkMyIdentity: { isKeyless: true, isIdle: true },
  unlinkMyIdentity: { arrange: linked, again: 404 },
  restoreMyIdentity: {
    isKeyless: true,
    again: 404,
    arrange: async (world, ids, person) => {
      const made = await linked(world, ids, person);
      await person.delete(`/me/identities/${made['identity_id']}`);
      return made;
    },
  },
  rotateKeys: { body: () => ({ alg: 'ES256', now: true }), anew: ['events', 'signing_keys'] },
  retireKey: {
    again: 404,
    arrange: async ({ app }, ids) => {
      const [next] = await rotateSigningKeys(app.ctx, { alg: 'ES256' });
      return { ...ids, kid: next?.kid ?? '' };
    },
  },
  retryMail: { anew: ['events', 'mail_outbox'] },
  createProduct: { again: 409 },
  updateProduct: {},
  deleteProduct: { again: 404 },
  createClient: { again: 409 },
  updateClient: {},
  rotateClientSecret: { anew: ['clients', 'events'] },
  deleteClient: { again: 404 },
  putSubscription: {},
  deleteSubscription: { again: 404 },
  claimDomain: {},
  updateDomain: { arrange: after((ids) => `${at(ids, 'domains', 'domain_id')}/vouch`) },
  verifyDomain: { arrange: proven, anew: ['domains'] },
  releaseDomain: { again: 404 },
  vouchForDomain: {},
  resolveDomainDispute: { arrange: disputed, again: 409 },
  resumeDomainLinking: {
    again: 409,
    arrange: async (world, ids) => {
      await disputed(world, ids);
      const path = `${at(ids, 'domains', 'domain_id')}/resolve-dispute`;
      await world.operator.post(path, { outcome: 'transfer' });
      return ids;
    },
  },
  createConnection: {
    anew: ['connections', 'events'],
    body: (_ids, { app }) => ({
      kind: 'oidc',
      label: 'Made',
      issuer: `${app.issuer}/demo/idp/oidc`,
      client_id: 'doorward-demo',
      client_secret: 'rehearsal-secret',
    }),
  },
  updateConnection: {},
  deleteConnection: { again: 404 },
  testConnection: { anew: ['connection_tests', 'events'] },
  pilotConnection: { arrange: tested },
  enableConnection: { arrange: tested },
  requireConnection: { arrange: enteredBy },
  disableConnection: { arrange: enabled },
  refreshConnectionMetadata: { arrange: withKeys, again: 429, isKeyless: true },
  bindConnectionDomain: {},
  unbindConnectionDomain: { again: 404 },
  createConnectionKey: { arrange: withKeys, again: 409 },
  rotateConnectionKey: { arrange: withNextKey, again: 409 },
};
