/**
 * The audit trail: one event for each thing that happened, written in the transaction of its cause, never changed.
 * No secret and no email is ever part of an event.
 */
import type { Tx } from '../../context.ts';
import { newId, type AccountId, type UserId } from '../../kernel/ids.ts';

/** Every kind of event there is. */
export type EventType =
  | 'break_glass.named'
  | 'break_glass.withdrawn'
  | 'break_glass.used'
  | 'client.operator_created'
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
  | 'connection.tested'
  | 'connection.unbound'
  | 'invitation.accepted'
  | 'invitation.created'
  | 'invitation.resent'
  | 'invitation.revoked'
  | 'grant.revoked_on_reuse'
  | 'password.changed'
  | 'password.imported'
  | 'password.rehashed'
  | 'password_reset.completed'
  | 'password_reset.issued'
  | 'password_reset.requested'
  | 'seat.assigned'
  | 'seat.requested'
  | 'session.ended'
  | 'sign_in.aborted'
  | 'sign_in.denied'
  | 'sign_in.failed'
  | 'sign_in.refused'
  | 'sign_in.throttled'
  | 'signing_key.created'
  | 'token.refused'
  | 'token.revoked'
  | 'membership.created'
  | 'membership.role_changed'
  | 'user.activated'
  | 'user.created'
  | 'user.signed_in';

export interface NewEvent {
  readonly type: EventType;
  /** Who did it: a user or a client; absent for the service itself. */
  readonly actorId?: string | undefined;
  readonly userId?: UserId | undefined;
  readonly accountId?: AccountId | undefined;
  readonly clientId?: string | undefined;
  /** The name under which a refused person can ask about it. */
  readonly caseId?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Writes the event in the caller's transaction: it exists if and only if the change it speaks of does. */
export async function recordEvent(tx: Tx, event: NewEvent): Promise<void> {
  await tx.db
    .insertInto('events')
    .values({
      id: newId('evt', tx.now()),
      type: event.type,
      occurredAt: tx.now(),
      actorId: event.actorId ?? null,
      userId: event.userId ?? null,
      accountId: event.accountId ?? null,
      clientId: event.clientId ?? null,
      caseId: event.caseId ?? null,
      requestId: tx.origin.requestId ?? null,
      ip: tx.origin.ip ?? null,
      details: JSON.stringify(event.details ?? {}),
    })
    .execute();
}
