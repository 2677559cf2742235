/**
 * What a provider has of its own; the way there and back is the same for all (social.ts). Addresses are written down and
 * not discovered: a document that is fetched would decide where codes and secrets go.
 */
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { SocialIdentity } from '../../core/identities/identities.ts';
import type { Ask, Memory } from '../connector.ts';

export type Members = Readonly<Record<string, unknown>>;

/** One provider, with our settings there. */
export interface Dialect {
  readonly clientId: string;
  /** Where the browser goes, and where its code is redeemed. */
  readonly authorizeAt: string;
  readonly tokenAt: string;
  readonly scope: string;
  /** Binds the code to this sign-in, where the provider takes it (RFC 7636). */
  readonly pkce: boolean;
  /** Binds the ID token to this sign-in, where the provider has one and returns it. */
  readonly nonce: boolean;
  /** What goes along besides, such as its own way of having a person prove themself again. */
  readonly parameters?: (ask: Ask) => Readonly<Record<string, string>>;
  /** Whether it calls itself so: some began to send `iss` unannounced (RFC 9207 §2.4). */
  readonly isIssuer: (iss: string) => boolean;
  /** Its own words for somebody who has changed their mind, besides `access_denied`. */
  readonly cancelled?: readonly string[];
  readonly clientSecret: (now: Date) => string | Promise<string>;
  readonly identify: (ctx: Context, granted: Granted) => Promise<SocialIdentity | Refusal>;
}

/** What the code was good for. Goes no further than `identify`: no token of a provider is kept. */
export interface Granted {
  readonly tokens: Members;
  readonly memory: Memory;
  /** As it came with the code: believed by nobody. */
  readonly response: URLSearchParams;
}

/** An address of the provider, or the same path below the server that stands in for it. */
export function addressAt(baseUrl: string | undefined, origin: string, path: string): string {
  return `${baseUrl ?? origin}${path}`;
}
