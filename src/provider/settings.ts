/** The numbers and names the engine is configured with, each in a function or a constant of its own. */
import KeyGrip from 'keygrip';
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { Config } from '../../config/load.ts';
import { accessTokenLife, sessionLife as sessionAbsolute } from '../core/keys/keys.ts';
import { type Clock, day, hour, minute, secondsUntil } from '../kernel/time.ts';
import type { SignInResult } from './sign-in-result.ts';
import type { Units } from './unit-of-work.ts';

/** What a sign-in with one factor is called in `acr`. */
export const singleFactor = 'urn:doorward:acr:single-factor';

/** All that `acr` can say. */
export const acrValues: readonly string[] = [singleFactor];

/** The engine's endpoints (docs/interactions.md); its own continuation paths hang below them. */
export const routes = {
  authorization: '/authorize',
  pushed_authorization_request: '/par',
  token: '/token',
  userinfo: '/userinfo',
  introspection: '/introspect',
  revocation: '/revoke',
  jwks: '/jwks',
  end_session: '/logout',
};

const offlineIdle = 30 * day;
const offlineAbsolute = 180 * day;
const sessionIdle = 12 * hour;

type Lifetimes = NonNullable<Configuration['ttl']>;

/** All in seconds. What rests on an access decision ends with it: no token outlives the seat behind it. */
export function lifetimes(units: Units, now: Clock): Lifetimes {
  const bounded = (life: number): number => {
    const until = units.getStore()?.until;
    return until ? Math.max(1, Math.min(life, secondsUntil(until, now()))) : life;
  };
  return {
    AccessToken: () => bounded(accessTokenLife),
    IdToken: () => bounded(accessTokenLife),
    ClientCredentials: () => accessTokenLife,
    AuthorizationCode: () => minute,
    Interaction: () => hour,
    // a grant is as old as its session at most, and must outlive the longest refresh token issued on it
    Grant: () => offlineAbsolute + sessionAbsolute,
    RefreshToken: (_koa, token) => refreshTokenLife(token, now()),
    Session: (koa, session) => {
      const proven = provenAt(koa, units) ?? session.loginTs;
      return Math.max(1, Math.min(sessionIdle, sessionAbsolute - age(proven, now())));
    },
  };
}

/**
 * When the person was proven here, in Unix seconds. `loginTs` is when they were proven at all: at a company that keeps
 * its own sessions for weeks that is long ago, and every session here would be over at once.
 */
function provenAt(koa: KoaContextWithOIDC, units: Units): number | undefined {
  const [fresh] = (koa.oidc.result as unknown as SignInResult | undefined)?.login?.evidence ?? [];
  const at = fresh ? new Date(fresh.at) : units.getStore()?.provenAt;
  return at && Math.floor(at.getTime() / 1000);
}

/** A token of a session ends with it at the latest; an offline one by disuse, and by its absolute age. */
export function refreshTokenLife(
  token: { readonly expiresWithSession?: boolean | undefined; readonly iiat?: number | undefined },
  now: Date,
): number {
  const life = token.expiresWithSession
    ? sessionAbsolute - age(token.iiat, now)
    : Math.min(offlineIdle, offlineAbsolute - age(token.iiat, now));
  return Math.max(1, life);
}

/** Seconds since a moment of the engine's, which counts in seconds. */
function age(epoch: number | undefined, now: Date): number {
  return epoch ? Math.floor(now.getTime() / 1000) - epoch : 0;
}

/** Signed with SHA-256; the `__Host-` and `__Secure-` prefixes exist on https only. */
export function cookies(config: Config): NonNullable<Configuration['cookies']> {
  const secure = config.issuer.startsWith('https:');
  const options = { signed: true, httpOnly: true, sameSite: 'lax', secure } as const;
  return {
    names: cookieNames(config),
    long: options,
    short: options,
    keys: cookieKeys(config),
  };
}

type CookieKeys = Pick<KeyGrip, 'sign' | 'verify' | 'index'>;

/** The first key signs, every key counts; asked each time, for keys change while an engine serves. */
export function cookieKeys(config: Pick<Config, 'cookieKeys'>): CookieKeys {
  const now = (): KeyGrip =>
    new KeyGrip(
      config.cookieKeys.map((key) => key.bytes.toString('base64url')),
      'sha256',
    );
  return {
    sign: (data) => now().sign(data),
    verify: (data, digest) => now().verify(data, digest),
    index: (data, digest) => now().index(data, digest),
  };
}

export function cookieNames(config: Pick<Config, 'issuer'>) {
  const secure = config.issuer.startsWith('https:');
  return {
    session: `${secure ? '__Host-' : ''}doorward_session`,
    // these two are bound to a path, which the __Host- prefix forbids
    interaction: `${secure ? '__Secure-' : ''}doorward_interaction`,
    resume: `${secure ? '__Secure-' : ''}doorward_resume`,
  };
}
