import { domainOf } from '../../kernel/email-address.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { type Connection, isLive, usableCertificates } from '../connections/connections.ts';
import type { Standing } from './companies.ts';
import type { DoctorCode, Evidence } from './diagnosis.ts';
import { type Look, type Looked, nothingToSee } from './look.ts';
import { hasOnlyExpired } from './ways.ts';

const codesOfDomain = ['domain_not_allowed', 'domain_stale'];

/** Whose domain it is, and what that means for everybody in it. */
export function domainCheck({ findings, ways }: Looked): Look {
  const { email, companies, home } = findings;
  const { owner, claim } = companies;
  const domain = domainOf(email);
  const required = home.requiredBy !== undefined;
  if (!owner) {
    const evidence = { domain, state: claim?.state ?? null, required };
    return claim
      ? { status: 'warning', code: 'domain_not_proven', evidence }
      : { status: 'not_applicable', evidence };
  }
  const { state, accountId, account } = owner;
  const evidence = { domain, state, required, account: { id: accountId, name: account } };
  const refusal = ways.find(({ verdict }) => codesOfDomain.includes(verdict.code ?? ''))?.verdict.code;
  if (refusal) return { status: 'failed', code: refusal, evidence };
  return state === 'stale'
    ? { status: 'warning', code: 'domain_stale', evidence }
    : { status: 'passed', evidence };
}

/** The connections that the domain is bound to; the first that is not as it should be gives the reason. */
export function connectionCheck({ findings, ways }: Looked): Look {
  const { companies, now } = findings;
  const { standings } = companies;
  if (standings.length === 0) return nothingToSee;
  const evidence = { connections: standings.map((standing) => describe(standing, findings)) };
  const refusals = ['saml_certificate_expired', 'connection_not_available'];
  const refusal = ways.find(({ verdict }) => refusals.includes(verdict.code ?? ''))?.verdict.code;
  if (refusal) return { status: 'failed', code: refusal, evidence };
  const leading = standings.filter(({ leads }) => leads);
  if (leading.length === 0) return { status: 'warning', code: 'connection_not_available', evidence };
  const code = leading.map((standing) => complaintOf(standing, now)).find((one) => one !== undefined);
  return code === undefined ? { status: 'passed', evidence } : { status: 'warning', code, evidence };
}

/** What will keep people out before long. */
function complaintOf({ connection }: Standing, now: Date): DoctorCode | undefined {
  const end = lastCertificateOf(connection, now);
  if (hasOnlyExpired(connection, now) || (end && end <= addSeconds(now, soonDays * day)))
    return 'saml_certificate_expired';
  return connection.refreshError === null ? undefined : 'idp_not_reachable';
}

const soonDays = 7;

function describe(
  { connection, leads, attempts }: Standing,
  { email, now }: Pick<Looked['findings'], 'email' | 'now'>,
): Evidence {
  const { id, label, kind, state, pilotEmails, refreshError } = connection;
  const ends = lastCertificateOf(connection, now);
  const refused = attempts.find(({ outcome }) => outcome === 'refused');
  return {
    id,
    label,
    kind,
    state,
    is_live: isLive(connection),
    leads,
    ...(state === 'pilot' && { in_pilot: pilotEmails.includes(email) }),
    ...(ends && { certificate_ends_at: ends.toISOString() }),
    metadata_at: metadataAtOf(connection),
    refresh_error: refreshError,
    last_attempts: {
      passed: attempts.filter(({ outcome }) => outcome === 'passed').length,
      refused: attempts.filter(({ outcome }) => outcome === 'refused').length,
    },
    last_refusal: refused
      ? {
          at: refused.startedAt.toISOString(),
          stage: refused.stage,
          code: refused.code,
          case_id: refused.caseId,
        }
      : null,
  };
}

/** When the last of the certificates that count ends: an older one beside its successor is a rollover as it should be. */
function lastCertificateOf(connection: Connection, now: Date): Date | undefined {
  if (connection.kind !== 'saml') return undefined;
  const ends = usableCertificates(connection.published, now).map(({ notAfter }) => Date.parse(notAfter));
  return ends.length === 0 ? undefined : new Date(Math.max(...ends));
}

function metadataAtOf({ kind, published }: Connection): string | null {
  return (kind === 'saml' ? published.triedAt : published.metadataAt) ?? null;
}
