/**
 * Deauthorization and data deletion.
 * @see https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback
 */
import { createHmac } from 'node:crypto';
import type { FacebookClient } from '../../../config/social.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import { hashToken, isSameHash } from '../../kernel/tokens.ts';
import { parseMembers } from './ask.ts';
import { facebookIssuer, isFacebookId } from './facebook.ts';
import type { Heard } from './heard.ts';

export function hearFacebook({ clientSecret, baseUrl }: FacebookClient, body: string): Heard | Refusal {
  const [signature = '', payload = '', ...rest] =
    new URLSearchParams(body).get('signed_request')?.split('.') ?? [];
  const expected = createHmac('sha256', clientSecret).update(payload).digest();
  if (rest.length > 0 || !isSameHash(Buffer.from(signature, 'base64url'), expected))
    return { refused: 'oidc_token', detail: 'signature' };
  const signed = parseMembers(Buffer.from(payload, 'base64url').toString());
  if (signed['algorithm'] !== 'HMAC-SHA256') return { refused: 'oidc_token', detail: 'algorithm' };
  const { user_id: id, issued_at: iat } = signed;
  const subject = isFacebookId(id) ? id : undefined;
  // it has no name for a single message: what was signed is one
  const jti = hashToken(payload).toString('base64url');
  return { kind: 'revoked', issuer: facebookIssuer(baseUrl), subject, jti, iat };
}
