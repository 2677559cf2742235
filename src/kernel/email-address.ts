import { domainToASCII, domainToUnicode } from 'node:url';

declare const canonical: unique symbol;
/** An address in the one form in which it is stored, compared, throttled and mailed. Only `parseEmail` makes it. */
export type EmailAddress = string & { readonly [canonical]: true };

const localPart = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const domainName = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z][a-z0-9-]{0,61}[a-z0-9])$/;

/**
 * Parses and canonicalises an address, or answers undefined. ASCII is lowered; everything that two programs could
 * read in two ways is refused: quoted local parts, comments, commas, controls, zero-width and non-ASCII letters
 * before the @, and domain letters that only *look* like ASCII (they would reach another person's mailbox).
 * International domains are kept as A-labels (RFC 5891).
 */
export function parseEmail(text: unknown): EmailAddress | undefined {
  if (typeof text !== 'string' || text.length > 254) return undefined;
  const parts = text.trim().split('@');
  const [local, domain] = parts;
  if (parts.length !== 2 || !local || !domain || local.length > 64) return undefined;
  const canonicalLocal = lowerAscii(local);
  const canonicalDomain = parseDomain(domain);
  if (!localPart.test(canonicalLocal) || !canonicalDomain) return undefined;
  const address = `${canonicalLocal}@${canonicalDomain}`;
  return address.length <= 254 ? (address as EmailAddress) : undefined;
}

export function domainOf(email: EmailAddress): string {
  return email.slice(email.indexOf('@') + 1);
}

/** Each label is either plain ASCII or becomes an A-label; one that turns into plain ASCII was in disguise. */
function parseDomain(domain: string): string | undefined {
  if (domain.normalize('NFC') !== domain) return undefined;
  const labels = domain.split('.').map((label) => {
    if (isAscii(label)) return lowerAscii(label);
    const mapped = domainToASCII(label);
    // and back: what the mapping drops or replaces (a path, a full stop, a zero-width space) would be another's domain
    return mapped.startsWith('xn--') && domainToUnicode(mapped) === label.toLowerCase() ? mapped : '';
  });
  const name = labels.join('.');
  return name.length <= 253 && domainName.test(name) ? name : undefined;
}

function isAscii(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

// not toLowerCase(): it turns the Kelvin sign into "k", and so one person's address into another's
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
