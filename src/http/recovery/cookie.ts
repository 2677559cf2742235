/** Cookies of the recovery pages: short, for one path only, and never read by a script. */
import type { Config } from '../../../config/load.ts';
import type { Wire } from '../route.ts';

type CookieConfig = Pick<Config, 'issuer'>;

export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly seconds: number;
}

export function readCookie(
  config: CookieConfig,
  header: string | undefined,
  name: string,
): string | undefined {
  const wanted = `${prefix(config)}${name}=`;
  const pair = header?.split(/; */).find((candidate) => candidate.startsWith(wanted));
  return pair?.slice(wanted.length);
}

/** Lax, not Strict: the first request after a click in a webmail comes from another site. */
export function setCookie(
  config: CookieConfig,
  reply: Wire['reply'],
  { name, value, path, seconds }: Cookie,
): void {
  const secure = prefix(config) === '' ? '' : '; Secure';
  const bounds = `Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
  void reply.header('set-cookie', `${prefix(config)}${name}=${value}; ${bounds}`);
}

function prefix({ issuer }: CookieConfig): string {
  return issuer.startsWith('https:') ? '__Secure-' : '';
}
