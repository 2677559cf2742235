/** What becomes of what an identity provider has published when it publishes something else. Pure. */
import { addSeconds, day } from '../../kernel/time.ts';
import type { IdpCertificate, SamlPublished } from './settings.ts';

/** So long a certificate that has vanished is still taken: responses and caches of the old one are on their way. */
export const retiringSeconds = 7 * day;

/** Of an identity provider that changes its key every hour only so many of the old ones are kept. */
const maxRetiring = 10;

/**
 * What is named is taken at once; what is not named any more is taken for seven days more. Metadata without a single
 * certificate changes none: a connection is never left with nothing to verify by. What came back is not retiring.
 */
export function mergePublished(old: SamlPublished, fresh: SamlPublished, now: Date): SamlPublished {
  if (fresh.certificates.length === 0) return old;
  const active = fresh.certificates.map((certificate) => ({ ...certificate, retiringSince: null }));
  const named = new Set(active.map(({ fingerprint }) => fingerprint));
  const retiring = old.certificates
    .filter(({ fingerprint }) => !named.has(fingerprint))
    .map((certificate) => ({
      ...certificate,
      retiringSince: certificate.retiringSince ?? now.toISOString(),
    }))
    .filter((certificate) => isTaken(certificate, now))
    .sort((one, other) => (one.retiringSince > other.retiringSince ? -1 : 1));
  const certificates = [...active, ...retiring.slice(0, maxRetiring)];
  return { ...fresh, certificates, ...(old.triedAt !== undefined && { triedAt: old.triedAt }) };
}

/** What a signature may be by at this moment: not what has been retiring for too long, though nothing was fetched since. */
export function usableCertificates({ certificates }: SamlPublished, now: Date): readonly IdpCertificate[] {
  return certificates.filter((certificate) => isTaken(certificate, now));
}

function isTaken({ retiringSince }: IdpCertificate, now: Date): boolean {
  return retiringSince === null || now < addSeconds(new Date(retiringSince), retiringSeconds);
}

export interface PublishedChanges {
  readonly certificatesAdded: readonly string[];
  /** Not named any more; still taken for a while. */
  readonly certificatesRetiring: readonly string[];
  readonly certificatesRemoved: readonly string[];
  /** Another address or another binding: where people are sent. */
  readonly endpoint: { readonly before: string; readonly after: string } | undefined;
}

/** Certificates by fingerprint; undefined when nothing has changed that matters. */
export function changesOfPublished(old: SamlPublished, merged: SamlPublished): PublishedChanges | undefined {
  const was = new Map(old.certificates.map((one) => [one.fingerprint, one]));
  const is = new Map(merged.certificates.map((one) => [one.fingerprint, one]));
  const certificatesAdded = [...is.keys()].filter((fingerprint) => !was.has(fingerprint));
  const certificatesRetiring = [...is.values()]
    .filter(
      ({ fingerprint, retiringSince }) =>
        retiringSince !== null && was.get(fingerprint)?.retiringSince === null,
    )
    .map(({ fingerprint }) => fingerprint);
  const certificatesRemoved = [...was.keys()].filter((fingerprint) => !is.has(fingerprint));
  const isMoved = old.ssoUrl !== merged.ssoUrl || old.binding !== merged.binding;
  const endpoint = isMoved ? { before: old.ssoUrl, after: merged.ssoUrl } : undefined;
  const count = certificatesAdded.length + certificatesRetiring.length + certificatesRemoved.length;
  return count > 0 || endpoint
    ? { certificatesAdded, certificatesRetiring, certificatesRemoved, endpoint }
    : undefined;
}
