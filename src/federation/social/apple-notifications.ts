/** @see https://developer.apple.com/documentation/signinwithapple/processing-changes-for-sign-in-with-apple-accounts */
import type { AppleClient } from '../../../config/social.ts';
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import { isRefusal } from '../connector.ts';
import { applePlaces } from './apple.ts';
import { parseMembers } from './ask.ts';
import { verifyEventToken } from './event-token.ts';
import type { Heard, NotificationKind } from './heard.ts';

const kinds: Readonly<Record<string, NotificationKind>> = {
  'consent-revoked': 'revoked',
  // by its documents of today, and of yesterday
  'account-deleted': 'deleted',
  'account-delete': 'deleted',
  'email-disabled': 'email_disabled',
};

export async function hearApple(
  ctx: Context,
  { clientId, baseUrl }: AppleClient,
  body: string,
): Promise<Heard | Refusal> {
  const { payload: token } = parseMembers(body);
  if (typeof token !== 'string') return { refused: 'oidc_token', detail: 'payload' };
  const { issuer, keysAt } = applePlaces(baseUrl);
  const verified = await verifyEventToken(ctx, token, { clientId, keysAt, issuers: [issuer] });
  if (isRefusal(verified)) return verified;
  const { events, jti, iat } = verified.answer;
  // one event, and as text: JSON within JSON
  const { type, sub: subject } = parseMembers(events);
  const kind = typeof type === 'string' && Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  return { kind: kind ?? 'other', issuer, subject, jti, iat };
}
