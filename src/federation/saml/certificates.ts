/** Certificates of identity providers: a key in an envelope. Who vouches for it does not matter; it is pinned. */
import { X509Certificate } from 'node:crypto';
import type { IdpCertificate } from '../../core/connections/connections.ts';

export type CertificateProblem = 'not_a_certificate' | 'other_key' | 'weak_key' | 'oversized_key';

/** Shorter ones can be broken; longer ones only cost time, each time somebody signs in. */
const modulusBits = { least: 2048, most: 8192 };

/** Reads base64 DER, as metadata has it, or says why its key cannot be relied on. */
export function readCertificate(text: string): IdpCertificate | CertificateProblem {
  const certificate = parse(text.replace(/\s/g, ''));
  if (!certificate) return 'not_a_certificate';
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  // node-saml verifies no other
  if (asymmetricKeyType !== 'rsa') return 'other_key';
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < modulusBits.least) return 'weak_key';
  if (bits > modulusBits.most) return 'oversized_key';
  return {
    der: certificate.raw.toString('base64'),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notAfter: certificate.validToDate.toISOString(),
    retiringSince: null,
  };
}

function parse(base64: string): X509Certificate | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  try {
    const certificate = new X509Certificate(Buffer.from(base64, 'base64'));
    // a key that this runtime does not know throws only when it is asked for
    return certificate.publicKey.asymmetricKeyType ? certificate : undefined;
  } catch {
    return undefined;
  }
}
