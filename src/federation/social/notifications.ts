/**
 * What providers tell by themselves about people who came by them: that consent was taken back, that an account is gone
 * or was taken over. Only what is signed for us is heard, and nothing here acts on it.
 */
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { SocialProvider } from '../../core/identities/identities.ts';
import { addSeconds, day, minute } from '../../kernel/time.ts';
import { isText } from '../oidc/identity.ts';
import { hearApple } from './apple-notifications.ts';
import { hearFacebook } from './facebook-notifications.ts';
import { hearGoogle } from './google-notifications.ts';
import type { Heard, NotificationKind } from './heard.ts';

export type { NotificationKind } from './heard.ts';

export interface Notification {
  readonly kind: NotificationKind;
  readonly provider: SocialProvider;
  /** These two as in `SocialIdentity`; only `other` may be about nobody, such as a test. */
  readonly issuer: string;
  readonly subject?: string;
  /** For the caller to consume: heard once per provider, until `expiresAt`; after that it is refused for its age. */
  readonly jti: string;
  /** An identity that was linked later is not meant. */
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/** They are sent again for a while when they could not be delivered. */
const ageSeconds = 7 * day;
const maxLength = 16_000;

/**
 * Reads the body of a notification as it came: Google's is a token (`application/secevent+jwt`), Apple's JSON with one,
 * Facebook's a form. Facebook sends the same when somebody takes consent back and when they want their data deleted:
 * which of the two, only the address tells that it was sent to.
 */
export async function verifyNotification(
  ctx: Context,
  provider: SocialProvider,
  body: string,
): Promise<Notification | Refusal> {
  if (body.length > maxLength) return { refused: 'oidc_token', detail: 'too long' };
  const heard = await hear(ctx, provider, body);
  if ('refused' in heard) return heard;
  const { kind, issuer, subject, jti, iat } = heard;
  const now = ctx.now().getTime() / 1000;
  if (typeof iat !== 'number' || iat < now - ageSeconds || iat > now + minute)
    return { refused: 'oidc_token', detail: 'iat' };
  if (!isText(jti)) return { refused: 'oidc_token', detail: 'jti' };
  const isSomebody = isText(subject) && subject.length <= 255;
  if (!isSomebody && kind !== 'other') return { refused: 'oidc_subject', detail: 'it is about nobody' };
  const issuedAt = new Date(iat * 1000);
  return {
    kind,
    provider,
    issuer,
    ...(isSomebody && { subject }),
    jti,
    issuedAt,
    expiresAt: addSeconds(issuedAt, ageSeconds + minute),
  };
}

async function hear(ctx: Context, provider: SocialProvider, body: string): Promise<Heard | Refusal> {
  const { google, apple, facebook } = ctx.config.social;
  if (provider === 'google' && google) return hearGoogle(ctx, google, body);
  if (provider === 'apple' && apple) return hearApple(ctx, apple, body);
  if (provider === 'facebook' && facebook) return hearFacebook(facebook, body);
  return { refused: 'connection_not_available', detail: 'nothing is heard from this provider' };
}
