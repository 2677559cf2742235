/** A connection as an operator reads it, and what of it is handed to the company's IT. */
import type { Context } from '../context.ts';
import { type AttemptRow, listAttempts } from '../core/attempts/attempts.ts';
import {
  type BoundDomain,
  type Connection,
  type ConnectionKey,
  isTested,
  listBoundDomains,
  listConnectionKeys,
} from '../core/connections/connections.ts';
import { redirectUriOf } from '../federation/oidc/client.ts';
import { serviceProviderOf } from '../federation/saml/service-provider.ts';
import { inSnakeCase } from './answer.ts';
import type { Answer } from './command.ts';

export function lineOf(connection: Connection): string {
  const { id, kind, label, state } = connection;
  return `${id}  ${kind}  ${label}: ${state}${isTested(connection) ? '' : ', untested'}`;
}

/** Nothing of it is a secret: those are kept apart. */
export function dataOf(ctx: Context, connection: Connection): object {
  const { id, accountId, kind, label, state, settings, pilotEmails, refreshAt, refreshError } = connection;
  const provider = { settings, pilotEmails, refreshAt, refreshError };
  const ours = { tested: isTested(connection), serviceProvider: oursOf(ctx, connection) };
  return inSnakeCase({ id, accountId, kind, label, state, ...ours, ...provider });
}

export async function describe(ctx: Context, connection: Connection): Promise<Answer> {
  const { id, accountId } = connection;
  const keys = await listConnectionKeys(ctx.db, id);
  const domains = await listBoundDomains(ctx.db, id);
  const attempts = await listAttempts(ctx.db, { accountId, connectionId: id, limit: 5 });
  const sections = [
    lineOf(connection),
    section('For the company’s IT', handOver(ctx, connection)),
    section('Identity provider', providerOf(connection)),
    section('Certificates', [...certificatesOf(connection).map(lineOfCertificate), ...keys.map(lineOfKey)]),
    section('Domains', domains.length > 0 ? domains.map(lineOfDomain) : ['none: nobody is sent here']),
    section('Pilot', connection.pilotEmails),
    section('Last attempts', attempts.map(lineOfAttempt)),
  ];
  const data = {
    ...dataOf(ctx, connection),
    certificates: certificatesOf(connection).map(inSnakeCase),
    keys: keys.map(({ id: keyId, use, state, notAfter }) => inSnakeCase({ id: keyId, use, state, notAfter })),
    domains: domains.map(inSnakeCase),
    attempts: attempts.map(inSnakeCase),
  };
  return { text: sections.filter((part) => part !== '').join('\n\n'), data };
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`${title}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}

/** What is typed into the identity provider, by its name in the data. */
function oursOf(ctx: Context, connection: Connection): Readonly<Record<string, string>> {
  if (connection.kind === 'oidc') {
    const logout = `${ctx.config.issuer}/federation/${connection.id}/backchannel-logout`;
    return { redirect_uri: redirectUriOf(ctx, connection), backchannel_logout_uri: logout };
  }
  const { entityId, acsUrl } = serviceProviderOf(ctx.config.issuer, connection.id);
  return { metadata_url: entityId, entity_id: entityId, acs_url: acsUrl };
}

const labels: Readonly<Record<string, string>> = {
  redirect_uri: 'redirect URI',
  backchannel_logout_uri: 'back-channel logout URI',
  metadata_url: 'metadata',
  entity_id: 'entity id (identifier)',
  acs_url: 'ACS (reply URL)',
};

export function handOver(ctx: Context, connection: Connection): string[] {
  return Object.entries(oursOf(ctx, connection)).map(([name, value]) => `${labels[name] ?? name}: ${value}`);
}

function providerOf(connection: Connection): string[] {
  const { refreshError, refreshAt, settings } = connection;
  const own =
    settings.kind === 'oidc'
      ? [
          `issuer: ${settings.issuer}`,
          `client id: ${settings.clientId}`,
          `client authentication: ${settings.clientAuth}`,
        ]
      : [
          `entity id: ${settings.entityId}`,
          `metadata: ${settings.metadataUrl ?? 'handed over as a file'}`,
          `signatures: ${settings.signaturePolicy}`,
        ];
  if (connection.kind === 'saml') own.push(`sign-in: ${connection.published.ssoUrl}`);
  if (refreshAt) own.push(`next refresh: ${refreshAt.toISOString()}`);
  if (refreshError !== null) own.push(`the last refresh failed: ${refreshError}`);
  return own;
}

interface Certificate {
  readonly fingerprint: string;
  readonly notAfter: string;
  readonly retiringSince: string | null;
}

/** Those of the identity provider. */
function certificatesOf(connection: Connection): Certificate[] {
  const theirs = connection.kind === 'saml' ? connection.published.certificates : [];
  return theirs.map(({ fingerprint, notAfter, retiringSince }) => ({ fingerprint, notAfter, retiringSince }));
}

function lineOfCertificate({ fingerprint, notAfter, retiringSince }: Certificate): string {
  const retiring = retiringSince === null ? '' : ', retiring';
  return `theirs, until ${notAfter.slice(0, 10)}${retiring}: ${fingerprint}`;
}

function lineOfKey({ id, use, state, notAfter }: ConnectionKey): string {
  return `ours for ${use}, ${state}, until ${notAfter.toISOString().slice(0, 10)}: ${id}`;
}

function lineOfDomain({ name, state, priority, addresses }: BoundDomain): string {
  const only = addresses ? `, only ${addresses.join(', ')}` : '';
  return `${name}: ${state}${priority === 0 ? '' : `, priority ${priority}`}${only}`;
}

export function lineOfAttempt(attempt: AttemptRow): string {
  const { startedAt, purpose, stage, outcome, code, caseId, userId } = attempt;
  const parts = [startedAt.toISOString(), purpose, stage, outcome, code, caseId, userId];
  return parts.filter((part) => part !== null).join('  ');
}
