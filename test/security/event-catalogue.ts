/**
 * LG-01: what each kind of event says. One line a type: the columns that are set (`?`: not always), and the members of its
 * details. audit.test.ts makes each of them happen and compares; a type without a line, or that nothing there makes
 * happen, fails it by name.
 *
 * To add one: its line here, and what makes it happen in audit.test.ts or in a `drive…` that it calls.
 */
import type { EventType } from '../../src/core/audit/audit.ts';

export interface Shape {
  /** Of actor, user, account, client and case. */
  readonly names: string;
  readonly details: string;
}

const says = (names: string, details = ''): Shape => ({ names, details });

/** Who made a change is named when it came by the admin interface. */
const ofAccount = (details: string): Shape => says('actor? account', details);
const ofMember = (details: string): Shape => says('actor? user account', details);
const ofPerson = (details: string): Shape => says('actor? user', details);

export const eventCatalogue: Partial<Record<EventType, Shape>> = {
  'account.changed': ofAccount('changes'),
  'account.closed': ofAccount('changes'),
  'account.created': ofAccount('name slug'),
  'account.lapsed': ofAccount('changes'),
  'account.renewed': ofAccount('changes'),
  'account.suspended': ofAccount('changes'),
  'break_glass.named': ofMember('connection_id'),
  'break_glass.used': says('actor user account'),
  'break_glass.withdrawn': ofMember('connection_id'),
  'client.changed': says('actor? client', 'changes'),
  'client.created': says(
    'actor? client',
    'auth_method grant_types name product_id redirect_uris resources scopes',
  ),
  'client.deleted': says('actor? client', 'grants name'),
  'client.operator_created': says('actor? client', 'name'),
  'client.secret_rotated': says('actor? client', 'previous_secret_until'),
  'connection.bound': ofAccount('connection_id domain_id priority'),
  'connection.certificate_expiring': says('account', 'certificate connection_id days whose'),
  'connection.changed': ofAccount('changes connection_id'),
  'connection.created': ofAccount('connection_id kind label'),
  'connection.deleted': ofAccount('before connection_id identities kind label'),
  'connection.disabled': ofAccount('before connection_id'),
  'connection.enabled': ofAccount('before connection_id'),
  'connection.key_created': ofAccount('connection_id state use'),
  'connection.keys_rotated': ofAccount('connection_id use'),
  'connection.metadata_changed': says(
    'actor? account',
    'certificatesAdded certificatesRemoved certificatesRetiring connection_id ssoUrl?',
  ),
  'connection.piloted': ofAccount('before connection_id people'),
  'connection.required': ofAccount('before connection_id'),
  'connection.test_offered': ofAccount('connection_id'),
  'connection.tested': ofAccount('before connection_id'),
  'connection.unbound': ofAccount('connection_id domain_id'),
  'database.failed_over': says('', 'ended timeline'),
  'domain.became_stale': says('account', 'domain_id name'),
  'domain.changed': ofAccount('domain_id include_subdomains name'),
  'domain.claimed': ofAccount('domain_id name'),
  'domain.dispute_resolved': ofAccount('domain_id name outcome'),
  'domain.disputed': ofAccount('domain_id name owns'),
  'domain.linking_resumed': ofAccount('domain_id name'),
  'domain.recovered': says('account', 'domain_id name'),
  'domain.released': ofAccount('domain_id name reason'),
  'domain.verified': ofAccount('domain_id method name'),
  'grant.revoked_on_reuse': says('client', 'grant_id'),
  'identity.email_changed': says('user account', 'connection_id identity_id'),
  'identity.linked': says(
    'actor? user account?',
    'connection_id? domain_id? evidence? identity_id method provider?',
  ),
  'identity.unlinked': says('actor? user account?', 'connection_id? identity_id provider?'),
  'invitation.accepted': says('actor user account client?', 'invitation_id role'),
  'invitation.created': ofMember('invitation_id role'),
  'invitation.resent': ofMember('invitation_id role'),
  'invitation.revoked': ofMember('invitation_id role'),
  'key_ring.rotated': says('actor?', 'key_id previous_key_id ring'),
  'mail.retried': says('actor?', 'mail_id template'),
  'membership.created': ofMember('connection_id? role'),
  'membership.deactivated': ofMember('changes'),
  'membership.reactivated': ofMember('changes'),
  'membership.removed': ofMember('before'),
  'membership.role_changed': ofMember('changes? role'),
  'password.changed': says('actor user', 'request_id?'),
  'password.imported': ofPerson('from'),
  'password.rehashed': ofPerson('from'),
  'password_reset.completed': says('actor user', 'request_id'),
  'password_reset.issued': says('user client?', 'mail request_id'),
  'password_reset.requested': says('client?', 'request_id'),
  'product.changed': says('actor?', 'changes product_id'),
  'product.created': says('actor?', 'name product_id resource scopes slug'),
  'product.deleted': says('actor?', 'name product_id slug'),
  'sealing_key.forgotten': says('actor?', 'key_id'),
  'seat.assigned': ofMember('ends_at? product_id starts_at?'),
  'seat.requested': says('actor user account client case', 'product_id request_id'),
  'seat.revoked': ofMember('before? changes? product_id seat_id'),
  'seat_request.granted': says('actor? user account client case', 'product_id request_id'),
  'seat_request.refused': says('actor? user account client case', 'product_id request_id'),
  'session.ended': says('actor? user? account?', 'connection_id? grants? product_id? reason sessions'),
  'sign_in.aborted': says('actor? user? account? client case?', 'at code? connection_id? methods? provider?'),
  'sign_in.denied': says('actor user account? client case', 'code connection_id? methods? provider?'),
  'sign_in.failed': says('user? client case', 'code? method'),
  'sign_in.refused': says('account? client? case', 'code connection_id? provider? stage'),
  'sign_in.throttled': says('user?', 'budget'),
  'signing_key.created': says('actor?', 'alg kid'),
  'signing_key.retired': says('actor?', 'alg kid state'),
  'signing_key.rotated': says('actor?', 'activates_at alg kid previous_kid'),
  'subscription.changed': ofAccount('changes product_id'),
  'subscription.created': ofAccount('expires_at grace_days product_id seats starts_at'),
  'subscription.deleted': ofAccount('product_id seats'),
  'token.refused': says('actor user account client case', 'code'),
  'token.revoked': says('actor client'),
  'user.activated': says('actor user account?'),
  'user.changed': says('actor? user account?', 'changed'),
  'user.created': says('actor? user account?', 'connection_id? provider?'),
  'user.deactivated': ofPerson('changes'),
  'user.reactivated': ofPerson('changes'),
  'user.signed_in': says('actor user account client', 'connection_id? methods provider?'),
};
