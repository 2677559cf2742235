/** Signature wrapping: a genuine signature, and what an attacker builds around it. Works on the XML of `saml-idp.ts`. */
import { randomBytes } from 'node:crypto';

/** The first assertion, signed or not. */
export function assertionOf(xml: string): string {
  return /<saml:Assertion[\s\S]*?<\/saml:Assertion>/.exec(xml)?.[0] ?? '';
}

/** The signature that stands in this element. */
export function signatureOf(xml: string): string {
  return /<ds:Signature [\s\S]*?<\/ds:Signature>/.exec(xml)?.[0] ?? '';
}

export function without(xml: string, part: string): string {
  return xml.replace(part, () => '');
}

/** The same assertion for somebody else, unsigned, under an id of its own unless it keeps that of the genuine one. */
export function forged(assertion: string, { keepId = false } = {}): string {
  const evil = without(assertion, signatureOf(assertion)).replace('alice-7f3a', 'mallory');
  return keepId ? evil : withNewId(evil);
}

export function withNewId(xml: string): string {
  return xml.replace(/ ID="[^"]*"/, ` ID="_${randomBytes(8).toString('hex')}"`);
}
