/** The keys of the rehearsal identity providers: made when they are first needed, and once per process. */
import { generateKeyPair, type KeyObject, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { exportJWK } from 'jose';
import { selfSignedCertificate } from '../../kernel/certificate.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import type { Fault, Protocol } from './faults.ts';

/** What they sign with; the other two only when such a fault was switched on. */
export type KeyName = 'current' | 'rotated' | 'expired';

export interface RehearsalKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** PEM */
  readonly certificate: string;
  /** DER, base64 */
  readonly der: string;
  /** SHA-256 of the DER, hex; its beginning is the `kid`. */
  readonly fingerprint: string;
  readonly kid: string;
  readonly notAfter: Date;
}

const made = new Map<KeyName, Promise<RehearsalKey>>();

/** The same key for the whole process, however many services it runs: a test starts dozens. */
export function rehearsalKey(name: KeyName): Promise<RehearsalKey> {
  const key = made.get(name) ?? makeKey(name);
  made.set(name, key);
  return key;
}

const generate = promisify(generateKeyPair);

async function makeKey(name: KeyName): Promise<RehearsalKey> {
  const { privateKey, publicKey } = await generate('rsa', { modulusLength: 2048 });
  const today = new Date(Date.now());
  const notAfter = addSeconds(today, name === 'expired' ? -day : 365 * day);
  const notBefore = addSeconds(notAfter, -730 * day);
  const certificate = selfSignedCertificate(privateKey, { name: `rehearsal ${name}`, notBefore, notAfter });
  const parsed = new X509Certificate(certificate);
  const fingerprint = parsed.fingerprint256.replaceAll(':', '').toLowerCase();
  return {
    privateKey,
    publicKey,
    certificate,
    der: parsed.raw.toString('base64'),
    fingerprint,
    kid: fingerprint.slice(0, 16),
    notAfter: new Date(parsed.validTo),
  };
}

/** The keys of one identity provider: what it signs with, and which of them it has published so far. */
export interface KeyRing {
  /** The key for a fault, or the ordinary one; published from now on. */
  keyFor(fault: Fault | undefined): Promise<RehearsalKey>;
  /** The ordinary one first. */
  published(): Promise<RehearsalKey[]>;
}

export function createKeyRing(protocol: Protocol): KeyRing {
  const names = new Set<KeyName>(['current']);
  return {
    keyFor(fault) {
      const name = keyNameFor(fault, protocol);
      names.add(name);
      return rehearsalKey(name);
    },
    published: () => Promise.all([...names].map(rehearsalKey)),
  };
}

/** @see RFC 7517 §5 */
export async function keySetOf(ring: KeyRing) {
  const keys = (await ring.published()).map(async ({ publicKey, kid }) => ({
    ...(await exportJWK(publicKey)),
    kid,
    use: 'sig',
    alg: 'RS256',
  }));
  return { keys: await Promise.all(keys) };
}

function keyNameFor(fault: Fault | undefined, protocol: Protocol): KeyName {
  if (fault === 'rotated_certificate') return 'rotated';
  return fault === 'expired_certificate' && protocol === 'saml' ? 'expired' : 'current';
}
