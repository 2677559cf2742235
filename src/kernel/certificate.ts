/** Self-signed certificates: the envelope in which a SAML peer or an identity provider is handed a public key. */
import { createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface CertificateTerms {
  /** The common name of subject and issuer; ASCII, at most 64 characters (RFC 5280, upper bound of the attribute). */
  readonly name: string;
  readonly notBefore: Date;
  /** Before the year 2050: UTCTime ends there. */
  readonly notAfter: Date;
}

/**
 * A certificate for an RSA key, signed by itself with SHA-256, as PEM. Nobody checks who vouches for it: it is pinned
 * by whoever is handed it, so it has no extensions.
 * @see RFC 5280 §4.1
 */
export function selfSignedCertificate(privateKey: KeyObject, terms: CertificateTerms): string {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const body = sequence(
    integer(positive(randomBytes(16))),
    sha256WithRsa,
    commonName(terms.name),
    sequence(utcTime(terms.notBefore), utcTime(terms.notAfter)),
    commonName(terms.name),
    publicKey,
  );
  const signature = sign('sha256', body, privateKey);
  return toPem(sequence(body, sha256WithRsa, bitString(signature)));
}

/** The text form of a certificate (RFC 7468 §5). */
export function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** DER (X.690 §8, §10): tag, length, content. */
function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const digits = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length]), digits, content]);
}

function sequence(...members: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(members));
}

function integer(bytes: Buffer): Buffer {
  return element(0x02, bytes);
}

/** The first bit is the sign, and a leading zero byte would be a second form of the same number. */
function positive(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[0] = ((copy[0] ?? 0) & 0x7f) | 0x40;
  return copy;
}

function bitString(bytes: Buffer): Buffer {
  return element(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

function commonName(name: string): Buffer {
  if (!/^[\x20-\x7e]{1,64}$/.test(name)) throw new Error('not the name of a certificate');
  const attribute = sequence(Buffer.from('0603550403', 'hex'), element(0x0c, Buffer.from(name)));
  return sequence(element(0x31, attribute));
}

function utcTime(at: Date): Buffer {
  if (at.getUTCFullYear() >= 2050) throw new Error('a certificate that ends after 2049');
  return element(0x17, Buffer.from(`${at.toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
}

/** 1.2.840.113549.1.1.11 with the NULL that belongs to it (RFC 4055 §5). */
const sha256WithRsa = sequence(Buffer.from('06092a864886f70d01010b0500', 'hex'));
