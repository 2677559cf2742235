/**
 * The audit trail: one event for each thing that happened, written in the transaction of its cause, never changed.
 * No secret and no email is ever part of an event. Seals prove that nothing was changed, taken away or slipped in later.
 */
import type { Tx } from '../../context.ts';
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
  const { origin } = tx;
  const now = tx.now();
  await tx.db
    .insertInto('events')
    .values({
      id: newId('evt', now),
      type: event.type,
      occurredAt: now,
      actorId: event.actorId === undefined ? (origin.actorId ?? null) : event.actorId,
      userId: event.userId ?? null,
      accountId: event.accountId ?? null,
      clientId: event.clientId ?? null,
      caseId: event.caseId ?? null,
      requestId: origin.requestId ?? null,
      ip: event.actorId === null ? null : (origin.ip ?? null),
      details: JSON.stringify(event.details ?? {}),
    })
    .execute();
  const code = event.details?.['code'];
  tx.recorded.push({ type: event.type, code: typeof code === 'string' ? code : undefined });
}
