/** Connections for tests, brought by the service's own operations to the state a test begins in. */
import { X509Certificate } from 'node:crypto';
import { type Context, inTransaction } from '../../src/context.ts';
import { noteProgress, startAttempt } from '../../src/core/attempts/attempts.ts';
import {
  createConnection,
  findConnection,
  type IdpCertificate,
  makeKey,
  type NewConnection,
  type OidcConnection,
  parseSettings,
  passTest,
  type SamlConnection,
  type SamlPublished,
  type SamlSettings,
} from '../../src/core/connections/connections.ts';
import type { AccountId, ConnectionId, UserId } from '../../src/kernel/ids.ts';

export const madeEntityId = 'https://idp.example.test/metadata';

/** A certificate as metadata has it; generating one takes a good part of a second. */
export async function makeIdpCertificate(now: Date): Promise<IdpCertificate> {
  const { certificate } = await makeKey('idp', now);
  return readIdpCertificate(certificate);
}

export function readIdpCertificate(pem: string): IdpCertificate {
  const { raw, fingerprint256, validToDate } = new X509Certificate(pem);
  return {
    der: raw.toString('base64'),
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    notAfter: validToDate.toISOString(),
    retiringSince: null,
  };
}

/** Not a real certificate: for what only looks at names and dates. */
export function namedCertificate(name: string, but: Partial<IdpCertificate> = {}): IdpCertificate {
  const notAfter = '2030-01-01T00:00:00.000Z';
  return { der: 'AAAA', fingerprint: name.padEnd(64, '0'), notAfter, retiringSince: null, ...but };
}

export function publishedWith(...certificates: readonly IdpCertificate[]): SamlPublished {
  return { ssoUrl: 'https://idp.example.test/sso', binding: 'redirect', certificates, validUntil: null };
}

export interface MadeSaml {
  readonly settings?: Partial<SamlSettings>;
  readonly published?: SamlPublished;
  readonly refreshAt?: Date;
  readonly label?: string;
}

export async function makeSaml(
  ctx: Context,
  accountId: AccountId,
  { settings, published, ...rest }: MadeSaml = {},
): Promise<SamlConnection> {
  const parsed = parseSettings({ kind: 'saml', entityId: madeEntityId, ...settings }, { production: false });
  return (await make(ctx, {
    accountId,
    label: 'Company',
    settings: parsed as SamlSettings,
    published: published ?? publishedWith(namedCertificate('a')),
    ...rest,
  })) as SamlConnection;
}

export async function makeOidc(
  ctx: Context,
  accountId: AccountId,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<OidcConnection> {
  const parsed = parseSettings(
    { kind: 'oidc', issuer: 'https://idp.example.test', clientId: 'doorward', ...settings },
    { production: false },
  );
  if (parsed.kind !== 'oidc') throw new Error('not OpenID Connect');
  const made = { accountId, label: 'Company', settings: parsed, secret: 'a client secret of theirs' };
  return (await make(ctx, made)) as OidcConnection;
}

async function make(ctx: Context, connection: NewConnection) {
  return getConnection(ctx, await inTransaction(ctx, (tx) => createConnection(tx, connection)));
}

export async function getConnection(ctx: Context, id: ConnectionId) {
  const connection = await findConnection(ctx.db, id);
  if (!connection) throw new Error('the connection is gone');
  return connection;
}

/** As if a test of what it is now had passed. */
export async function passNow(ctx: Context, id: ConnectionId): Promise<void> {
  const { settingsHash } = await getConnection(ctx, id);
  await inTransaction(ctx, (tx) => passTest(tx, { connectionId: id, settingsHash }));
}

/** As if this person had just come in by the connection. */
export async function signedIn(
  ctx: Context,
  { id, accountId }: Pick<SamlConnection, 'id' | 'accountId'>,
  userId: UserId,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const attempt = await startAttempt(tx, { accountId, connectionId: id, purpose: 'sign_in' });
    await noteProgress(tx, attempt, { stage: 'done', outcome: 'passed', userId });
  });
}
