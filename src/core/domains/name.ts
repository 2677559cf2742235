/** Which names can be an account's own. */
import { domainToASCII, domainToUnicode } from 'node:url';
import freeMail from 'email-providers/all.json' with { type: 'json' };
import { parse } from 'tldts';
import { canonicalDomain, namesAbove } from '../../kernel/domain-name.ts';

declare const claimable: unique symbol;
/** A registrable domain or one below it, in the form that an email's domain has. Only `parseDomainName` makes it. */
export type DomainName = string & { readonly [claimable]: true };

/** Where the proof of a domain stands in the DNS, in front of its name. */
export const challengeLabel = '_doorward-challenge';

// a name with the label in front must still be one (RFC 1035 §2.3.4)
const maxLength = 253 - challengeLabel.length - 1;

/**
 * Reads a domain as a person types it: blanks around it, letters apart from their accents and one full stop at its end
 * are forgiven. What only looks like a name, or becomes one when a URL parser has a go at it (`%61cme.com`,
 * `acme.com/x`, `0x7f.1`, full-width letters), is none; nor is a public suffix such as co.uk or github.io.
 */
export function parseDomainName(text: unknown): DomainName | undefined {
  if (typeof text !== 'string' || text.length > 1000 || hidesAscii(text)) return undefined;
  const name = canonicalDomain(text.trim().normalize('NFC').replace(/\.$/, ''));
  if (name === undefined || name.length > maxLength || !canBeRead(name)) return undefined;
  const { domain, isIp } = parse(name, { allowPrivateDomains: true });
  return domain !== null && isIp !== true ? (name as DomainName) : undefined;
}

/** NFC makes ASCII of some signs: of the Kelvin sign a K. An address with one is refused, and so must a name be. */
function hidesAscii(text: string): boolean {
  return Array.from(text).some((letter) => letter > '\u{7f}' && letter.normalize('NFC') <= '\u{7f}');
}

/** A-labels that were typed as such may stand for nothing, or for what is written in another way (RFC 5891 §5.4). */
function canBeRead(name: string): boolean {
  const readable = domainToUnicode(name);
  return !/(^|\.)xn--/.test(readable) && domainToASCII(readable) === name;
}

/** Whether anybody gets an address there: such a domain, or one below it, is no company's. */
export function isFreeMail(name: DomainName): boolean {
  const { domain } = parse(name, { allowPrivateDomains: true });
  const own = namesAbove(name).filter((above) => above.length >= (domain ?? name).length);
  return own.some((above) => freeMail.includes(above) || freeMail.includes(domainToUnicode(above)));
}
