/** Domain names in the one form in which they are stored and compared: A-labels in lower case (RFC 5891). */
import { domainToASCII, domainToUnicode } from 'node:url';

const hostName = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z][a-z0-9-]{0,61}[a-z0-9])$/;

/**
 * The one form of a name, or undefined where it is none. Each label is either plain ASCII or becomes an A-label; one
 * that turns into plain ASCII was in disguise, and would be somebody else's name.
 */
export function canonicalDomain(domain: string): string | undefined {
  if (domain.normalize('NFC') !== domain) return undefined;
  const labels = domain.split('.').map((label) => {
    if (isAscii(label)) return lowerAscii(label);
    const mapped = domainToASCII(label);
    // and back: what the mapping drops or replaces (a path, a full stop, a zero-width space) would be another's domain
    return mapped.startsWith('xn--') && domainToUnicode(mapped) === label.toLowerCase() ? mapped : '';
  });
  const name = labels.join('.');
  return name.length <= 253 && hostName.test(name) ? name : undefined;
}

/** The name itself and every name above it but the top level. */
export function namesAbove(domain: string): string[] {
  const labels = domain.split('.');
  return labels.slice(0, -1).map((_label, at) => labels.slice(at).join('.'));
}

function isAscii(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

// not toLowerCase(): it turns the Kelvin sign into "k", and so one person's address into another's
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
