/** A connection as an operator reads it, and what of it is handed to the company's IT. */
import type { Context } from '../context.ts';
import { type AttemptRow, listAttempts } from '../core/attempts/attempts.ts';
import {
  type Connection,
  isTested,
  listBoundDomains,
  listConnectionKeys,
} from '../core/connections/connections.ts';
import { redirectUriOf } from '../federation/oidc/client.ts';
import { serviceProviderOf } from '../federation/saml/service-provider.ts';

export function lineOf(connection: Connection): string {
  const { id, kind, label, state } = connection;
  return `${id}  ${kind}  ${label}: ${state}${isTested(connection) ? '' : ', untested'}`;
}

export async function describe(ctx: Context, connection: Connection): Promise<string> {
  const sections = [
    lineOf(connection),
    section('For the company’s IT', handOver(ctx, connection)),
    section('Identity provider', providerOf(connection)),
    section('Certificates', await certificatesOf(ctx, connection)),
    section('Domains', await domainsOf(ctx, connection)),
    section('Pilot', connection.pilotEmails),
    section('Last attempts', await attemptsOf(ctx, connection, 5)),
  ];
  return sections.filter((part) => part !== '').join('\n\n');
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`${title}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}

/** What is typed into the identity provider. */
export function handOver(ctx: Context, connection: Connection): string[] {
  if (connection.kind === 'oidc') {
    const logout = `${ctx.config.issuer}/federation/${connection.id}/backchannel-logout`;
    return [`redirect URI: ${redirectUriOf(ctx, connection)}`, `back-channel logout URI: ${logout}`];
  }
  const { entityId, acsUrl } = serviceProviderOf(ctx.config.issuer, connection.id);
  return [`metadata: ${entityId}`, `entity id (identifier): ${entityId}`, `ACS (reply URL): ${acsUrl}`];
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

async function certificatesOf(ctx: Context, connection: Connection): Promise<string[]> {
  const theirs = connection.kind === 'saml' ? connection.published.certificates : [];
  const keys = await listConnectionKeys(ctx.db, connection.id);
  return [
    ...theirs.map(({ fingerprint, notAfter, retiringSince }) => {
      const until = `theirs, until ${notAfter.slice(0, 10)}${retiringSince === null ? '' : ', retiring'}`;
      return `${until}: ${fingerprint}`;
    }),
    ...keys.map(
      ({ id, use, state, notAfter }) =>
        `ours for ${use}, ${state}, until ${notAfter.toISOString().slice(0, 10)}: ${id}`,
    ),
  ];
}

async function domainsOf(ctx: Context, { id }: Connection): Promise<string[]> {
  const domains = await listBoundDomains(ctx.db, id);
  if (domains.length === 0) return ['none: nobody is sent here'];
  return domains.map(({ name, state, priority, addresses }) => {
    const only = addresses ? `, only ${addresses.join(', ')}` : '';
    return `${name}: ${state}${priority === 0 ? '' : `, priority ${priority}`}${only}`;
  });
}

/** Newest first. */
export async function attemptsOf(
  ctx: Context,
  { id, accountId }: Connection,
  limit: number,
): Promise<string[]> {
  return (await listAttempts(ctx.db, { accountId, connectionId: id, limit })).map(lineOfAttempt);
}

function lineOfAttempt({ startedAt, purpose, stage, outcome, code, caseId, userId }: AttemptRow): string {
  const parts = [startedAt.toISOString(), purpose, stage, outcome, code, caseId, userId];
  return parts.filter((part) => part !== null).join('  ');
}
