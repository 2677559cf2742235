/**
 * The companies of the demo world that have a sign-in of their own: their domain, which nobody has to prove here, and
 * their connection to the rehearsal identity provider beside it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Context, Tx } from '../context.ts';
import {
  addConnectionKey,
  type Connection,
  type ConnectionState,
  createConnection,
  findConnection,
  hashSettings,
  type IdpCertificate,
  listConnectionKeys,
  type MadeKey,
  makeKey,
  type Mapping,
  type NewConnection,
  type OidcSettings,
  type SamlConnection,
  type SamlPublished,
  type SamlSettings,
} from '../core/connections/connections.ts';
import { type AccountId, type ConnectionId, newId } from '../kernel/ids.ts';
import { addSeconds, day } from '../kernel/time.ts';
import { oidcClient, oidcIdp, samlIdp } from './rehearsal/addresses.ts';
import { type RehearsalKey, rehearsalKey } from './rehearsal/keys.ts';

/** Made before the transaction, and once per process: a test starts dozens of worlds. */
export interface CompanyKeys {
  /** What the identity provider of Globex signs with. */
  readonly idp: RehearsalKey;
  /** What we sign with towards it. */
  readonly own: MadeKey;
}

let made: Promise<CompanyKeys> | undefined;

export function makeCompanyKeys(now: Date): Promise<CompanyKeys> {
  made ??= Promise.all([rehearsalKey('current'), makeKey('doorward demo', now)]).then(([idp, own]) => ({
    idp,
    own,
  }));
  return made;
}

/** Makes what is missing, and follows an issuer that has moved and keys that are new; all else stays as it was left. */
export async function seedCompanies(tx: Tx, { idp, own }: CompanyKeys): Promise<void> {
  const { issuer } = tx.config;
  const mapping = await mappingOf(tx);
  const globex = await findAccountId(tx, 'globex');
  const initech = await findAccountId(tx, 'initech');
  if (globex) {
    const samlId = await ensureSaml(tx, { accountId: globex, issuer, idp, mapping });
    await ensureDomain(tx, { accountId: globex, connectionId: samlId, name: 'globex.test' });
    await nameBreakGlass(tx, globex, 'greg@globex.test');
    const place = { connectionId: samlId, use: 'signing', state: 'current' } as const;
    if ((await listConnectionKeys(tx.db, samlId)).length === 0) await addConnectionKey(tx, place, own);
  }
  if (initech) {
    const oidcId = await ensureOidc(tx, { accountId: initech, issuer, mapping });
    await ensureDomain(tx, { accountId: initech, connectionId: oidcId, name: 'initech.test' });
  }
}

/** The entity id under which the connection of Globex asks. */
export async function findGlobexEntityId({ db, config }: Context): Promise<string> {
  const row = await db
    .selectFrom('connections')
    .innerJoin('accounts', 'accounts.id', 'connections.accountId')
    .select('connections.id')
    .where('accounts.slug', '=', 'globex')
    .where('connections.kind', '=', 'saml')
    .orderBy('connections.id')
    .executeTakeFirstOrThrow();
  return `${config.issuer}/federation/${row.id}/metadata`;
}

interface Wanted {
  readonly accountId: AccountId;
  readonly issuer: string;
  readonly mapping: Partial<Mapping>;
}

async function ensureSaml(
  tx: Tx,
  { accountId, issuer, idp, mapping }: Wanted & { readonly idp: RehearsalKey },
): Promise<ConnectionId> {
  const { entityId, ssoUrl } = samlIdp(issuer);
  const moved = { entityId, metadataUrl: entityId };
  const found = (await findOf(tx, accountId, 'saml')) as SamlConnection | undefined;
  const certificates = withCurrent(idp, found?.published.certificates ?? [], tx.now());
  const published: SamlPublished = {
    binding: 'redirect',
    validUntil: null,
    ...found?.published,
    ssoUrl,
    certificates,
  };
  if (found) {
    await follow(tx, found, { settings: { ...found.settings, ...moved }, published });
    return found.id;
  }
  const settings: SamlSettings = {
    kind: 'saml',
    ...moved,
    signaturePolicy: 'both',
    subject: { from: 'name_id' },
    idpInitiated: 'restart',
    idpInitiatedClients: ['demo-assist', 'demo-meet'],
    encryption: false,
    refuseExpiredCertificates: false,
  };
  const refreshAt = addSeconds(tx.now(), day);
  return createLive(
    tx,
    { accountId, label: 'Globex Corp', settings, published, mapping, refreshAt },
    'required',
  );
}

async function ensureOidc(tx: Tx, { accountId, issuer, mapping }: Wanted): Promise<ConnectionId> {
  const found = await findOf(tx, accountId, 'oidc');
  if (found?.kind === 'oidc') {
    const published = { metadata: null, metadataAt: null, jwks: null, jwksAt: null };
    await follow(tx, found, { settings: { ...found.settings, issuer: oidcIdp(issuer) }, published });
    return found.id;
  }
  const settings: OidcSettings = {
    kind: 'oidc',
    issuer: oidcIdp(issuer),
    clientId: oidcClient.id,
    clientAuth: 'client_secret_post',
    idTokenAlgorithm: 'RS256',
    scopes: ['openid', 'email', 'profile'],
    subject: ['sub'],
    tenants: [],
  };
  const { secret } = oidcClient;
  return createLive(tx, { accountId, label: 'Initech', settings, secret, mapping }, 'enabled');
}

/** The key of this process first; those of others go on being taken, as after a rollover, up to three in all. */
function withCurrent(
  { der, fingerprint, notAfter }: RehearsalKey,
  before: readonly IdpCertificate[],
  now: Date,
): IdpCertificate[] {
  const current = { der, fingerprint, notAfter: notAfter.toISOString(), retiringSince: null };
  const others = before
    .filter((certificate) => certificate.fingerprint !== fingerprint)
    .map((certificate) => ({
      ...certificate,
      retiringSince: certificate.retiringSince ?? now.toISOString(),
    }));
  return [current, ...others].slice(0, 3);
}

/** As if it had been tested: there is nobody yet who could. */
async function createLive(
  tx: Tx,
  connection: NewConnection,
  state: Extract<ConnectionState, 'enabled' | 'required'>,
): Promise<ConnectionId> {
  const id = await createConnection(tx, connection);
  await tx.db
    .updateTable('connections')
    .set((eb) => ({ state, testedHash: eb.ref('settingsHash'), testedAt: tx.now() }))
    .where('id', '=', id)
    .execute();
  return id;
}

/** What an operator has changed meanwhile is kept, and so is whether it was tested. */
async function follow(
  tx: Tx,
  before: Connection,
  { settings, published }: Pick<Connection, 'settings' | 'published'>,
): Promise<void> {
  const { id, mapping, secretSealed, testedHash, revision } = before;
  const settingsHash = hashSettings({ settings, mapping, secretSealed });
  const hasMoved = !settingsHash.equals(before.settingsHash);
  const hasChanged = before.kind === 'saml' && !isDeepStrictEqual(published, before.published);
  if (!hasMoved && !hasChanged) return;
  const wasTested = testedHash?.equals(before.settingsHash) === true;
  await tx.db
    .updateTable('connections')
    .set({
      settings: JSON.stringify(settings),
      published: JSON.stringify(published),
      settingsHash,
      ...(wasTested && { testedHash: settingsHash }),
      revision: revision + 1,
      updatedAt: tx.now(),
    })
    .where('id', '=', id)
    .execute();
}

async function findOf(
  tx: Tx,
  accountId: AccountId,
  kind: Connection['kind'],
): Promise<Connection | undefined> {
  const row = await tx.db
    .selectFrom('connections')
    .select('id')
    .where('accountId', '=', accountId)
    .where('kind', '=', kind)
    .orderBy('id')
    .executeTakeFirst();
  return row && findConnection(tx.db, row.id);
}

/** Verified, and never looked up again: there is no such domain in the DNS. */
async function ensureDomain(
  tx: Tx,
  { accountId, connectionId, name }: { accountId: AccountId; connectionId: ConnectionId; name: string },
): Promise<void> {
  const found = await tx.db
    .selectFrom('domains')
    .select(['id'])
    .where('name', '=', name)
    .where('state', '<>', 'released')
    .executeTakeFirst();
  if (found) return;
  const id = newId('dom', tx.now());
  const at = { verifiedAt: tx.now(), lastSeenAt: tx.now(), createdAt: tx.now(), updatedAt: tx.now() };
  await tx.db
    .insertInto('domains')
    .values({ id, accountId, name, state: 'verified', challenge: 'rehearsal', ...at })
    .execute();
  await tx.db.insertInto('connectionDomains').values({ accountId, connectionId, domainId: id }).execute();
}

/** Keeps the password, whatever the account requires of everybody else. */
async function nameBreakGlass(tx: Tx, accountId: AccountId, email: string): Promise<void> {
  await tx.db
    .updateTable('memberships')
    .set({ breakGlass: true })
    .where('accountId', '=', accountId)
    .where('role', '=', 'admin')
    .where('userId', 'in', tx.db.selectFrom('users').select('id').where('email', '=', email))
    .execute();
}

async function findAccountId(tx: Tx, slug: string): Promise<AccountId | undefined> {
  const row = await tx.db.selectFrom('accounts').select('id').where('slug', '=', slug).executeTakeFirst();
  return row?.id;
}

/** The address as both call it, and not their name for the person; and a seat on Assist for whoever comes. */
async function mappingOf(tx: Tx): Promise<Partial<Mapping>> {
  const row = await tx.db.selectFrom('products').select('id').where('slug', '=', 'assist').executeTakeFirst();
  return { email: ['email'], ...(row && { everybodysProducts: [row.id] }) };
}
