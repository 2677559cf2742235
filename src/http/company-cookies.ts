/** The cookies of a company sign-in: which browser left, what came to it unasked, and which company it came by last. */
import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config/load.ts';
import type { Context } from '../context.ts';
import { markCompany, rememberedSeconds } from '../core/connections/connections.ts';
import type { ConnectionId } from '../kernel/ids.ts';
import { hour } from '../kernel/time.ts';

type Issuer = Pick<Config, 'issuer'>;

const names = {
  /** A secret of this browser's, to which departures are bound, and the arrivals that answer them. */
  federation: 'doorward_federation',
  /** An arrival that waits for its sign-in, with its secret: an identity provider has sent the browser unasked. */
  arrival: 'doorward_arrival',
  remembered: 'doorward_company',
} as const;

/** This browser's secret; a new one where it has none. It goes on for another hour. */
export function keepFederationBrowser(ctx: Context, { request, reply }: Wire): string {
  const browser = readFederationBrowser(ctx.config, request) ?? randomBytes(32).toString('base64url');
  set(ctx.config, reply, { name: names.federation, value: browser, maxAge: hour });
  return browser;
}

export function readFederationBrowser(config: Issuer, request: FastifyRequest): string | undefined {
  const value = read(config, request, names.federation);
  return value !== undefined && /^[\w-]{43}$/.test(value) ? value : undefined;
}

/** An arrival that came unasked, and the secret it is bound to. */
export interface UnaskedArrival {
  readonly handle: string;
  readonly browser: string;
}

/**
 * With a secret of its own. The post of another site brings no cookie of ours, so that the browser's other secret is not
 * known: a new one in its place would end every departure of its other tabs, and any page could have one posted.
 */
export function setArrival(config: Issuer, reply: FastifyReply, { handle, browser }: UnaskedArrival): void {
  set(config, reply, { name: names.arrival, value: `${handle}.${browser}`, maxAge: 300 });
}

/** Taken out of the browser, whatever becomes of it. */
export function takeArrival(config: Issuer, { request, reply }: Wire): UnaskedArrival | undefined {
  const value = read(config, request, names.arrival);
  if (value !== undefined) set(config, reply, { name: names.arrival, value: '', maxAge: 0 });
  const [, handle, secret] = /^([\w-]{43})(?:\.([\w-]{43}))?$/.exec(value ?? '') ?? [];
  // the version before binds it to the browser's other secret, perhaps beside this one
  const browser = secret ?? readFederationBrowser(config, request);
  return handle === undefined || browser === undefined ? undefined : { handle, browser };
}

/** Offered at the next sign-in; written only when this one has succeeded. */
export function rememberCompany(ctx: Context, reply: FastifyReply, id: ConnectionId): void {
  const value = markCompany(ctx.config, id, ctx.now());
  set(ctx.config, reply, { name: names.remembered, value, maxAge: rememberedSeconds });
}

/** Somebody else sits here now. */
export function forgetCompany(config: Issuer, reply: FastifyReply): void {
  set(config, reply, { name: names.remembered, value: '', maxAge: 0 });
}

export function readRememberedCompany(config: Issuer, request: FastifyRequest): string | undefined {
  return read(config, request, names.remembered);
}

interface Wire {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

function read(config: Issuer, { headers }: FastifyRequest, name: string): string | undefined {
  const wanted = `${prefixOf(config)}${name}=`;
  const pair = headers.cookie?.split(/; */).find((candidate) => candidate.startsWith(wanted));
  return pair?.slice(wanted.length);
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  /** Seconds. */
  readonly maxAge: number;
}

function set(config: Issuer, reply: FastifyReply, { name, value, maxAge }: Cookie): void {
  const secure = prefixOf(config) === '' ? '' : '; Secure';
  const bounds = `Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure}`;
  void reply.header('set-cookie', `${prefixOf(config)}${name}=${value}; ${bounds}`);
}

function prefixOf({ issuer }: Issuer): string {
  return issuer.startsWith('https:') ? '__Host-' : '';
}
