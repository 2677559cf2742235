/** What a browser keeps of a forgotten password, under /password-resets and for a short while. */
import { z } from 'zod';
import type { Config } from '../../../config/load.ts';
import { resetSeconds } from '../../core/password-resets/password-resets.ts';
import { open, seal } from '../../kernel/seal.ts';
import { hour } from '../../kernel/time.ts';
import type { Wire } from '../route.ts';
import { readCookie, setCookie } from './cookie.ts';

type CookieConfig = Pick<Config, 'issuer' | 'secretKeys'>;

const asked = z.object({
  /** The secret by which the mail's code can be typed in this browser. */
  handle: z.string(),
  email: z.string(),
  askedAt: z.number(),
  clientId: z.string().optional(),
  /** The sign-in to go back to; it lives here only, and so never in the browser of somebody else. */
  interaction: z.string().optional(),
});

/** What this browser has asked for. */
export type Asked = z.output<typeof asked>;

const path = '/password-resets';
const askedCookie = { name: 'doorward_reset_request', path };
const tokenCookie = { name: 'doorward_reset', path };

/** Sealed: it is nobody's to read or to make up. Undefined for what cannot be opened. */
export function readAsked(config: CookieConfig, { request }: Wire): Asked | undefined {
  const value = readCookie(config, request.headers.cookie, askedCookie.name);
  try {
    return asked.parse(JSON.parse(open(config.secretKeys, value ?? '', `cookie/${askedCookie.name}`)));
  } catch {
    return undefined;
  }
}

export function keepAsked(config: CookieConfig, { reply }: Wire, value: Asked): void {
  const sealed = seal(config.secretKeys, JSON.stringify(value), `cookie/${askedCookie.name}`);
  setCookie(config, reply, { ...askedCookie, value: sealed, seconds: hour });
}

/** The token of a mailed link, or of a code that was typed. */
export function readToken(config: CookieConfig, { request }: Wire): string | undefined {
  return readCookie(config, request.headers.cookie, tokenCookie.name);
}

export function keepToken(config: CookieConfig, { reply }: Wire, token: string): void {
  setCookie(config, reply, { ...tokenCookie, value: token, seconds: resetSeconds });
}
