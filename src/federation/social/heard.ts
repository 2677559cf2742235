/**
 * `revoked`: the person wants no more of us there. `deleted`: there is no such account any more. `sessions_ended`: who is
 * signed in by it must do it again. `email_disabled`: mail to its address does not arrive any more.
 */
export type NotificationKind = 'revoked' | 'deleted' | 'sessions_ended' | 'email_disabled' | 'other';

/** What a provider's own format came to, once its signature was verified; each member may be anything that was sent. */
export interface Heard {
  readonly kind: NotificationKind;
  readonly issuer: string;
  readonly subject: unknown;
  readonly jti: unknown;
  /** Unix seconds */
  readonly iat: unknown;
}
