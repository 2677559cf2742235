import type { AccountId, ConnectionId } from '../../kernel/ids.ts';
import { earliest } from '../../kernel/time.ts';

/** A password that was verified. `at` is RFC 3339, so that evidence survives being stored as JSON. */
export interface PasswordEvidence {
  readonly method: 'pwd';
  readonly at: string;
  /** When the password that was proven had been set, RFC 3339. The version before this one did not write it. */
  readonly passwordSetAt?: string;
}

/** An account's identity provider vouched for the person, by one of its connections. */
export interface CompanyEvidence {
  readonly method: 'fed';
  /** When we heard it, RFC 3339. */
  readonly at: string;
  /** When the person proved themself there, where it was said: perhaps days before. */
  readonly authenticatedAt?: string;
  readonly accountId: AccountId;
  readonly connectionId: ConnectionId;
  /** How, in the identity provider's words; empty when it did not say. */
  readonly amr: readonly string[];
  readonly acr?: string;
  /** Its name for the session there. */
  readonly sessionId?: string;
  /** When a session that rests on it must end. */
  readonly endsAt?: string;
}

/** An identity the person brings themself. */
export interface SocialEvidence {
  readonly method: 'social';
  readonly at: string;
  readonly authenticatedAt?: string;
  readonly provider: string;
  readonly amr: readonly string[];
}

/** One factor that was verified. */
export type Evidence = PasswordEvidence | CompanyEvidence | SocialEvidence;

/** The same way in: a later proof replaces it. */
function isSameWay(a: Evidence, b: Evidence): boolean {
  if (a.method === 'fed') return b.method === 'fed' && a.connectionId === b.connectionId;
  if (a.method === 'social') return b.method === 'social' && a.provider === b.provider;
  return b.method === 'pwd';
}

/** Browsers of people who enter several accounts keep what each of them asks for. */
const mostProofs = 5;

/** What a session rests on after a new proof of the same person: newest first, one for each way in. */
export function mergeEvidence(fresh: readonly Evidence[], kept: readonly Evidence[]): Evidence[] {
  const others = kept.filter((old) => !fresh.some((proof) => isSameWay(proof, old)));
  return [...fresh, ...others].slice(0, mostProofs);
}

/** When the person proved themself, in Unix seconds: `auth_time`. The oldest of several counts. */
export function authTimeOf(evidence: readonly Evidence[]): number {
  const times = evidence.map((proof) =>
    proof.method === 'pwd' ? proof.at : (proof.authenticatedAt ?? proof.at),
  );
  return Math.floor(Math.min(...times.map((time) => Date.parse(time))) / 1000);
}

/** When what rests on it must end, where an identity provider has said so. */
export function endOf(evidence: readonly Evidence[]): Date | undefined {
  return earliest(
    ...evidence.map((proof) => ('endsAt' in proof && proof.endsAt ? new Date(proof.endsAt) : undefined)),
  );
}

/** Which way a person came, for the audit trail: by what, and by whose connection or which provider. */
export function wayOf(evidence: readonly Evidence[]) {
  const connection = evidence.find((proof) => proof.method === 'fed');
  const social = evidence.find((proof) => proof.method === 'social');
  return {
    methods: amrOf(evidence),
    ...(connection && { connection_id: connection.connectionId }),
    ...(social && { provider: social.provider }),
  };
}

/** What tokens say of it. @see RFC 8176 */
export function amrOf(evidence: readonly Evidence[]): string[] {
  const methods = evidence.flatMap((proof) =>
    proof.method === 'pwd' ? [proof.method] : ['fed', ...proof.amr],
  );
  return [...new Set(methods)];
}
