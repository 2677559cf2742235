/** How long keys and what they sign live, in seconds. */
import { day, minute } from '../../kernel/time.ts';

/** The max-age of the published keys (RFC 9111 §5.2.2.1). */
export const publishedKeysMaxAge = 5 * minute;

/** A JWT access token, and an ID token as a proof of sign-in. */
export const accessTokenLife = 10 * minute;

/** From the proof of the person to the end of their session, at the latest. */
export const sessionLife = 7 * day;

/** Long before a key signs it is published: many keep keys for a day, whatever max-age says. */
export const publishedBefore = Math.max(day, 2 * publishedKeysMaxAge);

/**
 * And until so long after its last signature. The longest is the life of an ID token as the hint with which a session is
 * ended: there its expiry does not count, but its signature does. Logout tokens live two minutes.
 */
export const publishedAfter = sessionLife + accessTokenLife;

/** How old a key becomes as the one that signs. */
export const signsFor = 90 * day;

/** How long a key that is published no more is remembered; its private half goes with the row. */
export const rememberedFor = day;

/** Now; yet after another moment, which the clock of another replica may have put into our future. */
export function momentAfter(moment: Date | undefined, now: Date): Date {
  return moment && moment >= now ? new Date(moment.getTime() + 1) : now;
}
