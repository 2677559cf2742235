/** One row for each rule of the retention table: what ends, or was done, at `at`. */
import { sql } from 'kysely';
import type { Db } from '../../src/db/connect.ts';
import { newId } from '../../src/kernel/ids.ts';
import { addSeconds, day } from '../../src/kernel/time.ts';

export interface PrunableParts {
  readonly accountId: string;
  readonly productId: string;
  readonly userId: string;
  readonly connectionId: string;
}

/** A member of an account with a subscription and a connection: what the rows below hang on. */
export async function makeParts(db: Db, at: Date): Promise<PrunableParts> {
  const [accountId, productId] = [newId('acc', at), newId('prd', at)];
  const [userId, connectionId] = [newId('usr', at), newId('con', at)];
  const slug = accountId.replace('_', '-');
  await sql`insert into accounts (id, slug, name, created_at, updated_at)
    values (${accountId}, ${slug}, 'Prunable', ${at}, ${at})`.execute(db);
  await sql`insert into products (id, slug, name, created_at, updated_at)
    values (${productId}, ${slug}, 'Prunable', ${at}, ${at})`.execute(db);
  await sql`insert into users (id, email, state, created_at, updated_at)
    values (${userId}, ${`${slug}@prunable.test`}, 'active', ${at}, ${at})`.execute(db);
  await sql`insert into memberships (account_id, user_id, role, created_at)
    values (${accountId}, ${userId}, 'admin', ${at})`.execute(db);
  await sql`insert into subscriptions (account_id, product_id, seats, starts_at, created_at, updated_at)
    values (${accountId}, ${productId}, 9, ${at}, ${at}, ${at})`.execute(db);
  await sql`insert into connections (id, account_id, kind, label, settings, mapping, settings_hash, published, created_at,
    updated_at) values (${connectionId}, ${accountId}, 'oidc', 'Prunable', '{}', '{}', 'x', '{}', ${at}, ${at})`.execute(
    db,
  );
  return { accountId, productId, userId, connectionId };
}

/** A row that is over at `at` for every rule, with what goes along with it. */
export async function insertOver(db: Db, parts: PrunableParts, at: Date): Promise<void> {
  const { accountId, productId, userId, connectionId } = parts;
  const before = addSeconds(at, -7 * day);
  const key = newId('key', at);
  const hash = Buffer.from(key);
  const [request, invitation, seatRequest] = [newId('prr', at), newId('inv', before), newId('srq', before)];
  const statements = [
    sql`insert into sessions (id_hash, uid, payload, created_at, expires_at) values (${hash}, ${key}, '{}', ${before}, ${at})`,
    sql`insert into grants (id, user_id, client_id, payload, expires_at) values (${key}, ${userId}, 'x', '{}', ${at})`,
    sql`insert into refresh_families (family_hash, grant_id, current_hash, generation, payload, expires_at)
      values (${hash}, ${key}, ${hash}, 1, '{}', ${at})`,
    sql`insert into interactions (id_hash, payload, expires_at) values (${hash}, '{}', ${at})`,
    sql`insert into artifacts (model, id_hash, payload, expires_at) values ('ReplayDetection', ${hash}, '{}', ${at})`,
    sql`insert into password_reset_requests (id, handle_hash, recipient_hash, locale, created_at, decided_at)
      values (${request}, ${hash}, ${hash}, 'en', ${at}, ${at})`,
    sql`insert into password_resets (id, request_id, user_id, email, token_hash, code_hash, created_at, expires_at)
      values (${newId('pwr', at)}, ${request}, ${userId}, 'x@prunable.test', ${hash}, ${hash}, ${at}, ${at})`,
    sql`insert into invitations (id, account_id, user_id, email, role, state, token_hash, locale, created_at, sent_at,
      expires_at, closed_at) values (${invitation}, ${accountId}, ${userId}, 'x@prunable.test', 'agent', 'accepted',
      ${hash}, 'en', ${before}, ${before}, ${before}, ${at})`,
    sql`insert into invitation_products values (${accountId}, ${invitation}, ${productId})`,
    sql`insert into seat_reservations (account_id, product_id, user_id, until)
      values (${accountId}, ${productId}, ${userId}, ${at}) on conflict do nothing`,
    sql`insert into seat_requests (id, account_id, product_id, user_id, state, case_id, requested_at, decided_at)
      values (${seatRequest}, ${accountId}, ${productId}, ${userId}, 'granted', 'x', ${before}, ${at})`,
    sql`insert into seat_request_links (account_id, request_id, user_id, email, token_hash, expires_at)
      values (${accountId}, ${seatRequest}, ${userId}, 'x@prunable.test', ${hash}, ${at})`,
    sql`insert into throttles (bucket, taken, ends_at) values (sha256(${hash}), 1, ${at})`,
    sql`insert into idempotency_keys (caller, key, request_hash, expires_at) values ('x', ${key}, ${hash}, ${at})`,
    sql`insert into departures (id_hash, connection_id, revision, purpose, attempt_id, browser_hash, sealed, created_at,
      expires_at) values (${hash}, ${connectionId}, 1, 'test', 'x', ${hash}, 'x', ${before}, ${at})`,
    sql`insert into social_departures (id_hash, provider, browser_hash, sealed, expires_at)
      values (${hash}, 'github', ${hash}, 'x', ${at})`,
    sql`insert into arrivals (handle_hash, connection_id, purpose, attempt_id, browser_hash, sealed, expires_at)
      values (${hash}, ${connectionId}, 'test', 'x', ${hash}, 'x', ${at})`,
    sql`insert into used_assertions values (${connectionId}, ${hash}, ${at})`,
    sql`insert into heard_notifications values ('github', ${hash}, ${at})`,
    sql`insert into connection_tests (token_hash, connection_id, settings_hash, created_at, expires_at)
      values (${hash}, ${connectionId}, ${hash}, ${before}, ${at})`,
    sql`insert into connection_attempts (id, account_id, connection_id, purpose, stage, started_at, updated_at)
      values (${newId('att', at)}, ${accountId}, ${connectionId}, 'sign_in', 'departure', ${at}, ${at})`,
    sql`insert into identities (id, user_id, provider, issuer, subject, proof, created_at, last_used_at, unlinked_at)
      values (${newId('idn', at)}, ${userId}, 'github', 'x', ${key}, '{}', ${before}, ${before}, ${at})`,
    mail(at, 'sent'),
    mail(at, 'dead'),
    notice(at, 'delivered'),
    notice(at, 'dead'),
  ];
  for (const statement of statements) await statement.execute(db);
}

/** What looks alike and is not over, however old it is. */
export async function insertOpen(db: Db, parts: PrunableParts, at: Date): Promise<void> {
  const { accountId, userId } = parts;
  const key = newId('key', at);
  const hash = Buffer.from(key);
  const never = addSeconds(at, 100 * 365 * day);
  const statements = [
    mail(at, 'pending'),
    notice(at, 'pending'),
    sql`insert into password_reset_requests (id, handle_hash, recipient_hash, email_sealed, locale, created_at)
      values (${newId('prr', at)}, ${hash}, ${hash}, 'x', 'en', ${at})`,
    sql`insert into invitations (id, account_id, user_id, email, role, token_hash, locale, created_at, sent_at, expires_at)
      values (${newId('inv', at)}, ${accountId}, ${userId}, 'x@prunable.test', 'agent', ${hash}, 'en', ${at}, ${at},
      ${never})`,
    sql`insert into identities (id, user_id, provider, issuer, subject, proof, created_at, last_used_at)
      values (${newId('idn', at)}, ${userId}, 'google', 'x', ${key}, '{}', ${at}, ${at})`,
  ];
  for (const statement of statements) await statement.execute(db);
}

function mail(at: Date, state: 'pending' | 'sent' | 'dead') {
  return sql`insert into mail_outbox (id, template, recipient, locale, data, state, created_at, next_attempt_at, sent_at)
    values (${newId('mail', at)}, 'password_changed', 'x@prunable.test', 'en', '{}', ${state}, ${at}, ${at},
    ${state === 'sent' ? at : null})`;
}

function notice(at: Date, state: 'pending' | 'delivered' | 'dead') {
  return sql`insert into logout_notices (id, client_id, user_id, sid, state, created_at, next_attempt_at, delivered_at)
    values (${newId('lgn', at)}, 'x', 'x', 'x', ${state}, ${at}, ${at}, ${state === 'delivered' ? at : null})`;
}
