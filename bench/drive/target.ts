/** A server that flows are driven against, ours or a yardstick, and the people who are signed in there. */
import type { Jar } from './jar.ts';
import { slots } from './load.ts';
import type { Wire } from './wire.ts';

/** What both sides call themselves: only the addresses in their answers are made from it. */
export const issuer = 'https://login.bench.test';
export const redirectUri = `${issuer}/demo/assist/callback`;
export const confidentialRedirectUri = `${issuer}/demo/confidential/callback`;
export const apiResource = 'https://api.assist.test';
export const password = 'correct horse battery staple';

export interface Target {
  readonly wire: Wire;
  /** Sent with everything: who speaks for the public origin. */
  readonly headers: Readonly<Record<string, string>>;
  readonly endpoints: Endpoints;
  readonly people: People;
}

export interface Endpoints {
  readonly authorize: string;
  readonly token: string;
}

/** Of the service, and of the engine beside it. */
export const endpoints: Endpoints = { authorize: '/authorize', token: '/token' };

export interface People {
  readonly count: number;
  email(person: number): string;
  /** The cookies of a browser that is signed in. */
  browser(person: number): Pick<Jar, 'header' | 'store'>;
  /** The newest refresh token of the person's family, at a public client. */
  refreshToken(person: number): string;
  keepRefreshToken(person: number, token: string): void;
  /** An opaque access token, at a confidential client. */
  accessToken(person: number): string;
}

/** Anybody, but nobody whom another slot may pick at the same time. */
export function anyPerson({ people }: Target, slot: number): number {
  const perSlot = Math.max(1, Math.floor(people.count / slots));
  return (slot + slots * Math.floor(Math.random() * perSlot)) % people.count;
}

export function basic(client: string): Record<string, string> {
  const pair = Buffer.from(`demo-${client}:demo-${client}-secret`).toString('base64');
  return { authorization: `Basic ${pair}` };
}

/** An address nobody has tried from: it is not the throttle that is measured. */
export function newNetwork(): Record<string, string> {
  const part = (): number => 1 + Math.floor(Math.random() * 254);
  return { 'x-forwarded-for': `10.${part()}.${part()}.${part()}` };
}
