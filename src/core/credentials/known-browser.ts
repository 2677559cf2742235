/**
 * Browsers that are known: whoever signed in with a password is given a cookie that says so, for each address by itself.
 * It signs nobody in. It gives the browser a count of wrong passwords of its own, so that an attacker who uses up
 * everybody's cannot lock out the person whose browser it is.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Config } from '../../../config/load.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { deriveKey, type SealingKey } from '../../kernel/seal.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { isSameHash } from '../../kernel/tokens.ts';

/** How long a browser stays known, in seconds, when nobody signs in with it. */
export const knownBrowserSeconds = 180 * day;

/** A cookie holds this many addresses, the latest ones: colleagues share a desk. */
const mostAddresses = 5;

interface Mark {
  readonly email: EmailAddress;
  /** Milliseconds since 1970, in base 36. */
  readonly issuedAt: string;
  /** Names the browser, in the count of its own. */
  readonly id: string;
}

export interface Claim {
  readonly email: EmailAddress;
  /** When the password was set: with another one everybody was a stranger, a thief of it among them. */
  readonly passwordSetAt: Date | undefined;
  readonly now: Date;
}

/** The cookie's new value for a browser that has just proven `email`; other people's marks in it stay. */
export function rememberBrowser(
  { cookieKeys }: Pick<Config, 'cookieKeys'>,
  value: string | undefined,
  { email, now }: { readonly email: EmailAddress; readonly now: Date },
): string {
  const mark: Mark = {
    email,
    issuedAt: now.getTime().toString(36),
    id: randomBytes(12).toString('base64url'),
  };
  const entry = `${mark.issuedAt}.${mark.id}.${macOf(cookieKeys[0], mark).toString('base64url')}`;
  const others = entriesOf(value).filter((other) => !isMarkOf(cookieKeys, other, email));
  return [entry, ...others].slice(0, mostAddresses).join('~');
}

/** The browser's id, when it signed in with this address and this password, and not too long ago; else undefined. */
export function recogniseBrowser(
  { cookieKeys }: Pick<Config, 'cookieKeys'>,
  value: string | undefined,
  { email, passwordSetAt, now }: Claim,
): string | undefined {
  if (!passwordSetAt) return undefined;
  const entry = entriesOf(value).find((candidate) => isMarkOf(cookieKeys, candidate, email));
  const [issuedAt = '', id] = entry?.split('.') ?? [];
  const at = new Date(parseInt(issuedAt, 36));
  return at >= passwordSetAt && addSeconds(at, knownBrowserSeconds) > now ? id : undefined;
}

function entriesOf(value = ''): string[] {
  return value
    .split('~', mostAddresses)
    .filter((entry) => /^[0-9a-z]{1,10}[.][\w-]{16}[.][\w-]{43}$/.test(entry));
}

function isMarkOf(keys: readonly SealingKey[], entry: string, email: EmailAddress): boolean {
  const [issuedAt = '', id = '', mac = ''] = entry.split('.');
  const given = Buffer.from(mac, 'base64url');
  return keys.some((key) => isSameHash(macOf(key, { email, issuedAt, id }), given));
}

function macOf(key: SealingKey, { email, issuedAt, id }: Mark): Buffer {
  return createHmac('sha256', deriveKey(key, 'known browsers')).update(`${issuedAt}.${id}.${email}`).digest();
}
