/** The table of what is deleted by itself: which rows, when, why, and by which index they are found. */
import { type RawBuilder, sql } from 'kysely';
import type { DB } from '../../db/schema.ts';
import { day, hour } from '../../kernel/time.ts';
import { undoDays } from '../identities/identities.ts';

export interface Retention {
  readonly table: keyof DB;
  /** Which of its rows, in words. */
  readonly rows: string;
  readonly keptSeconds: number;
  /** From when on, in words. */
  readonly since: string;
  readonly why: string;
  readonly index: string;
  /** What the index has in order: a moment, or with a prefix an id, which is ordered by the time it was made at. */
  readonly by: { readonly column: string; readonly prefix?: string };
  /** What else must be so of a row. */
  readonly and?: (before: Date) => RawBuilder<boolean>;
}

/** What protects against a second use must not go while a replica whose clock is behind still takes the first. */
const margin = hour;
const ended = { keptSeconds: margin, since: 'their end' } as const;
const byExpiry = { by: { column: 'expiresAt' } } as const;

/** A table may have several. */
export const retentions = [
  {
    ...{ table: 'sessions', rows: 'Sessions', index: 'sessions_expires_at_idx', ...ended, ...byExpiry },
    why: 'Nobody is signed in by one that has ended.',
  },
  {
    ...{ table: 'grants', rows: 'Grants', index: 'grants_expires_at_idx', ...ended, ...byExpiry },
    why: 'No token counts once its grant has ended.',
  },
  {
    ...{ table: 'refreshFamilies', rows: 'Families of refresh tokens', ...ended, ...byExpiry },
    index: 'refresh_families_expires_at_idx',
    why: 'None of the family’s tokens is taken any more, so there is no reuse left to notice.',
  },
  {
    ...{ table: 'interactions', rows: 'Sign-ins under way', ...ended, ...byExpiry },
    index: 'interactions_expires_at_idx',
    why: 'Whoever comes back to one starts again.',
  },
  {
    ...{
      table: 'artifacts',
      rows: 'Codes, opaque tokens, pushed requests, and ids that were used',
      ...ended,
    },
    ...{ index: 'artifacts_expires_at_idx', ...byExpiry },
    why: 'What they are for is refused for its age alone.',
  },
  {
    ...{ table: 'passwordResetRequests', rows: 'Requests to reset a password, with their links and codes' },
    ...{ keptSeconds: day, since: 'they were asked for and decided' },
    ...{ index: 'password_reset_requests_created_at_idx', by: { column: 'createdAt' } },
    and: (before) => sql`decided_at < ${before}`,
    why: 'A link lives for half an hour. What was done with it is in the audit trail.',
  },
  {
    ...{ table: 'invitations', rows: 'Invitations that are over', keptSeconds: 400 * day },
    ...{ since: 'they were accepted, withdrawn, or ended' },
    ...{ index: 'invitations_pkey', by: { column: 'id', prefix: 'inv' } },
    and: (before) => sql`coalesce(closed_at, expires_at) < ${before}`,
    why: 'An account sees for a year whom it has invited; an old link still says where to go on.',
  },
  {
    ...{ table: 'seatReservations', rows: 'Seats that were kept for somebody', ...ended },
    ...{ index: 'seat_reservations_until_idx', by: { column: 'until' } },
    why: 'The seat has been free since.',
  },
  {
    ...{ table: 'seatRequestLinks', rows: 'Links by which an admin grants a seat', ...ended },
    ...{ index: 'seat_request_links_pkey', by: { column: 'requestId', prefix: 'srq' } },
    and: (before) => sql`expires_at < ${before}`,
    why: 'The link is dead; the request itself stays.',
  },
  {
    ...{ table: 'throttles', rows: 'Counts of wrong passwords, mails and codes', ...ended },
    ...{ index: 'throttles_ends_at_idx', by: { column: 'endsAt' } },
    why: 'The count has begun anew.',
  },
  {
    ...{ table: 'idempotencyKeys', rows: 'Answers of the admin interface', ...ended, ...byExpiry },
    index: 'idempotency_keys_expires_at_idx',
    why: 'Whoever lost an answer can ask for it again for a day.',
  },
  {
    ...{ table: 'departures', rows: 'Browsers on their way to a company', ...ended, ...byExpiry },
    index: 'departures_expires_at_idx',
    why: 'Who has not come back by then starts again.',
  },
  {
    ...{
      table: 'socialDepartures',
      rows: 'Browsers on their way to a social provider',
      ...ended,
      ...byExpiry,
    },
    index: 'social_departures_expires_at_idx',
    why: 'Who has not come back by then starts again.',
  },
  {
    ...{ table: 'arrivals', rows: 'Identities on their way back', ...ended, ...byExpiry },
    index: 'arrivals_expires_at_idx',
    why: 'The browser fetches it at once or not at all.',
  },
  {
    ...{ table: 'usedAssertions', rows: 'Assertions that were used', ...ended, ...byExpiry },
    index: 'used_assertions_expires_at_idx',
    why: 'A second time it is refused for its age alone.',
  },
  {
    ...{ table: 'heardNotifications', rows: 'Notifications of social providers', ...ended, ...byExpiry },
    index: 'heard_notifications_expires_at_idx',
    why: 'A second time it is refused for its age alone.',
  },
  {
    ...{ table: 'connectionTests', rows: 'Links to try a connection out', ...ended, ...byExpiry },
    index: 'connection_tests_expires_at_idx',
    why: 'The link is dead; what the test came to is with its attempt.',
  },
  {
    ...{ table: 'connectionAttempts', rows: 'Sign-ins by a connection', keptSeconds: 400 * day },
    ...{ since: 'they began', index: 'connection_attempts_pkey', by: { column: 'id', prefix: 'att' } },
    why: 'A company that comes back after a year is told what has changed; longer, nobody needs the claims.',
  },
  {
    ...{ table: 'identities', rows: 'Social identities that were unlinked' },
    ...{ keptSeconds: undoDays * day + margin, since: 'they were unlinked' },
    ...{ index: 'identities_unlinked_at_idx', by: { column: 'unlinkedAt' } },
    why: 'One can be brought back for seven days, and nobody else may take it meanwhile.',
  },
  {
    ...{
      table: 'mailOutbox',
      rows: 'Mails that have gone',
      keptSeconds: 30 * day,
      since: 'they were written',
    },
    ...{ index: 'mail_outbox_pkey', by: { column: 'id', prefix: 'mail' } },
    and: () => sql`state = 'sent'`,
    why: 'Support answers "I never got it" for a month. What was secret in it has been wiped.',
  },
  {
    ...{ table: 'mailOutbox', rows: 'Mails that were given up', keptSeconds: 90 * day },
    ...{ since: 'they were written', index: 'mail_outbox_pkey', by: { column: 'id', prefix: 'mail' } },
    and: () => sql`state = 'dead'`,
    why: 'Somebody has to see that they did not go.',
  },
  {
    ...{ table: 'logoutNotices', rows: 'Notices of sign-outs, delivered or given up', keptSeconds: 30 * day },
    ...{ since: 'they were written', index: 'logout_notices_pkey', by: { column: 'id', prefix: 'lgn' } },
    and: () => sql`state <> 'pending'`,
    why: 'Whoever runs a client sees for a month what it was told.',
  },
] as const satisfies readonly Retention[];

/** As the database calls it. */
export function tableName(table: keyof DB): string {
  return table.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
