/**
 * The audit trail: one event for each thing that happened, written in the transaction of its cause, never changed.
 * No secret and no email is ever part of an event. Seals prove that nothing was changed, taken away or slipped in later.
 */
import { type RawBuilder, sql } from 'kysely';
import type { RecordedEvent, Tx } from '../../context.ts';
import { newId, type AccountId, type UserId } from '../../kernel/ids.ts';

export { changesBetween } from './changes.ts';
export { type EventFilter, type EventRow, listEvents } from './queries.ts';
export { type KnownSeal, sealEvents, type TrailFault, type TrailReport, verifyTrail } from './seals.ts';

/** Every kind of event there is. */
export type EventType =
  | 'account.changed'
  | 'account.closed'
  | 'account.created'
  | 'account.lapsed'
  | 'account.renewed'
  | 'account.suspended'
  | 'break_glass.named'
  | 'break_glass.withdrawn'
  | 'break_glass.used'
  | 'client.changed'
  | 'client.created'
  | 'client.deleted'
  | 'client.operator_created'
  | 'client.secret_rotated'
  | 'database.failed_over'
  | 'domain.became_stale'
  | 'domain.changed'
  | 'domain.claimed'
  | 'domain.dispute_resolved'
  | 'domain.disputed'
  | 'domain.linking_resumed'
  | 'domain.recovered'
  | 'domain.released'
  | 'domain.verified'
  | 'identity.email_changed'
  | 'identity.linked'
  | 'identity.unlinked'
  | 'connection.bound'
  | 'connection.certificate_expiring'
  | 'connection.changed'
  | 'connection.created'
  | 'connection.deleted'
  | 'connection.disabled'
  | 'connection.enabled'
  | 'connection.key_created'
  | 'connection.keys_rotated'
  | 'connection.metadata_changed'
  | 'connection.piloted'
  | 'connection.required'
  | 'connection.test_offered'
  | 'connection.tested'
  | 'connection.unbound'
  | 'invitation.accepted'
  | 'invitation.created'
  | 'invitation.resent'
  | 'invitation.revoked'
  | 'grant.revoked_on_reuse'
  | 'key_ring.rotated'
  | 'mail.retried'
  | 'password.changed'
  | 'password.imported'
  | 'password.rehashed'
  | 'password_reset.completed'
  | 'password_reset.issued'
  | 'password_reset.requested'
  | 'product.changed'
  | 'product.created'
  | 'product.deleted'
  | 'sealing_key.forgotten'
  | 'seat.assigned'
  | 'seat.requested'
  | 'seat.revoked'
  | 'seat_request.granted'
  | 'seat_request.refused'
  | 'session.ended'
  | 'sign_in.aborted'
  | 'sign_in.denied'
  | 'sign_in.failed'
  | 'sign_in.refused'
  | 'sign_in.throttled'
  | 'signing_key.created'
  | 'signing_key.retired'
  | 'signing_key.rotated'
  | 'subscription.changed'
  | 'subscription.created'
  | 'subscription.deleted'
  | 'token.refused'
  | 'token.revoked'
  | 'membership.created'
  | 'membership.deactivated'
  | 'membership.reactivated'
  | 'membership.removed'
  | 'membership.role_changed'
  | 'user.activated'
  | 'user.changed'
  | 'user.created'
  | 'user.deactivated'
  | 'user.reactivated'
  | 'user.signed_in';

export interface NewEvent {
  readonly type: EventType;
  /**
   * Who did it: a user or a client. By default whoever the request is from; absent for the service itself. Null where
   * the account must not learn who it was: then it does not learn from where either.
   */
  readonly actorId?: string | null | undefined;
  readonly userId?: UserId | undefined;
  readonly accountId?: AccountId | undefined;
  readonly clientId?: string | undefined;
  /** The name under which a refused person can ask about it. */
  readonly caseId?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Writes the event in the caller's transaction: it exists if and only if the change it speaks of does. */
export async function recordEvent(tx: Tx, event: NewEvent): Promise<void> {
  await eventsStatement(tx, [event]).execute(tx.db);
  tx.recorded.push(tallyOf(event));
}

/** The statement that writes events, for what is written as one statement with them; answers nothing of use. */
export function eventsStatement(
  { now, origin }: Pick<Tx, 'now' | 'origin'>,
  events: readonly NewEvent[],
): RawBuilder<{ answer: string }> {
  const at = now();
  const rows = events.map((event) => {
    const actorId = event.actorId === undefined ? (origin.actorId ?? null) : event.actorId;
    const ip = event.actorId === null ? null : (origin.ip ?? null);
    return sql`(${newId('evt', at)}, ${event.type}, ${at}, ${actorId}, ${event.userId ?? null},
      ${event.accountId ?? null}, ${event.clientId ?? null}, ${event.caseId ?? null},
      ${origin.requestId ?? null}, ${ip}, ${JSON.stringify(event.details ?? {})})`;
  });
  return sql`
    insert into events (id, type, occurred_at, actor_id, user_id, account_id, client_id, case_id, request_id, ip,
      details) values ${sql.join(rows)} returning '' as answer`;
}

/** What is counted of an event: never whose it was. */
export function tallyOf({ type, details }: NewEvent): RecordedEvent {
  const code = details?.['code'];
  return { type, code: typeof code === 'string' ? code : undefined };
}
