import { canonicalDomain, lowerAscii } from './domain-name.ts';

declare const canonical: unique symbol;
/** An address in the one form in which it is stored, compared, throttled and mailed. Only `parseEmail` makes it. */
export type EmailAddress = string & { readonly [canonical]: true };

const localPart = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;

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
  const domainName = canonicalDomain(domain);
  if (!localPart.test(canonicalLocal) || !domainName) return undefined;
  const address = `${canonicalLocal}@${domainName}`;
  return address.length <= 254 ? (address as EmailAddress) : undefined;
}

export function domainOf(email: EmailAddress): string {
  return email.slice(email.indexOf('@') + 1);
}
