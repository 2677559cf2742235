/** Cross-Account Protection. @see https://developers.google.com/identity/protocols/risc */
import type { SocialClient } from '../../../config/social.ts';
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import { isRefusal } from '../connector.ts';
import { isMembers } from './ask.ts';
import { verifyEventToken } from './event-token.ts';
import { googlePlaces } from './google.ts';
import type { Heard, NotificationKind } from './heard.ts';
import type { Members } from './provider.ts';

/** By weight: of several events in a token the first of these is heard. What is not here changes nothing for us. */
const kinds: readonly (readonly [event: string, kind: NotificationKind])[] = [
  ['https://schemas.openid.net/secevent/risc/event-type/account-purged', 'deleted'],
  ['https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked', 'revoked'],
  // it was taken over, or is suspected to be: nobody comes in by it there, and who is in here must not stay
  ['https://schemas.openid.net/secevent/risc/event-type/account-disabled', 'sessions_ended'],
  ['https://schemas.openid.net/secevent/risc/event-type/sessions-revoked', 'sessions_ended'],
];

export async function hearGoogle(
  ctx: Context,
  { clientId, baseUrl }: SocialClient,
  token: string,
): Promise<Heard | Refusal> {
  const { issuer, issuers, keysAt } = googlePlaces(baseUrl);
  // here it writes itself with a slash at the end
  const names = [...issuers, `${issuer}/`];
  const verified = await verifyEventToken(ctx, token, { clientId, keysAt, issuers: names });
  if (isRefusal(verified)) return verified;
  const { events, jti, iat } = verified.answer;
  if (!isMembers(events)) return { refused: 'oidc_token', detail: 'events' };
  const [event, kind] = kinds.find(([name]) => Object.hasOwn(events, name)) ?? [undefined, 'other' as const];
  const { subject } = event !== undefined && isMembers(events[event]) ? events[event] : {};
  return { kind, issuer, subject: subjectIn(subject, names), jti, iat };
}

function subjectIn(subject: unknown, issuers: readonly string[]): unknown {
  const { iss, sub }: Members = isMembers(subject) ? subject : {};
  return typeof iss === 'string' && issuers.includes(iss) ? sub : undefined;
}
