/** The cookie of a browser that has signed in before: see core/credentials/known-browser.ts. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config/load.ts';
import type { Context } from '../context.ts';
import { knownBrowserSeconds, rememberBrowser } from '../core/credentials/credentials.ts';
import type { EmailAddress } from '../kernel/email-address.ts';

type Issuer = Pick<Config, 'issuer'>;

export function readKnownBrowser(config: Issuer, request: FastifyRequest): string | undefined {
  const wanted = `${cookieName(config)}=`;
  const pair = request.headers.cookie?.split(/; */).find((candidate) => candidate.startsWith(wanted));
  return pair?.slice(wanted.length);
}

/** This browser has just proven that the address is its person's: by the password, or by the mailbox. */
export function keepKnownBrowser(ctx: Context, reply: FastifyReply, email: EmailAddress): void {
  const value = rememberBrowser(ctx.config, ctx.origin.knownBrowser, { email, now: ctx.now() });
  const bounds = `Path=/; Max-Age=${knownBrowserSeconds}; HttpOnly; SameSite=Lax${isSecure(ctx.config) ? '; Secure' : ''}`;
  void reply.header('set-cookie', `${cookieName(ctx.config)}=${value}; ${bounds}`);
}

function cookieName(config: Issuer): string {
  return `${isSecure(config) ? '__Host-' : ''}doorward_known_browser`;
}

function isSecure({ issuer }: Issuer): boolean {
  return issuer.startsWith('https:');
}
