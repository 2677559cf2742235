/** What a provider tells by itself of somebody who came by it: acted upon once, and only for the identity it names. */
import type { Tx } from '../../context.ts';
import { hashToken } from '../../kernel/tokens.ts';
import { recordEvent } from '../audit/audit.ts';
import {
  deleteIdentity,
  findSocialIdentity,
  insertHeard,
  type SocialProvider,
} from '../identities/identities.ts';
import { endSessionsOfProvider } from '../sessions/sessions.ts';

export interface ProviderSays {
  readonly kind: 'revoked' | 'deleted' | 'sessions_ended' | 'email_disabled' | 'other';
  readonly provider: SocialProvider;
  readonly issuer: string;
  readonly subject?: string;
  readonly jti: string;
  /** An identity that was linked later is not meant. */
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/**
 * Ends the sessions that rest on the identity; where the person has taken their consent back, or has no account there any
 * more, the link as well. True when it was news.
 */
export async function hearProvider(tx: Tx, says: ProviderSays): Promise<boolean> {
  const { kind, provider, issuer, subject, jti, issuedAt, expiresAt } = says;
  if (!(await insertHeard(tx, { provider, jtiHash: hashToken(jti), expiresAt }))) return false;
  if (subject === undefined || kind === 'other' || kind === 'email_disabled') return true;
  const identity = await findSocialIdentity(tx.db, { provider, issuer, subject });
  if (!identity || identity.createdAt > issuedAt) return true;
  const { id, userId } = identity;
  await endSessionsOfProvider(tx, { provider, userId });
  if (kind === 'sessions_ended') return true;
  await deleteIdentity(tx, id);
  const details = { identity_id: id, provider, reason: kind };
  await recordEvent(tx, { type: 'identity.unlinked', userId, details });
  return true;
}
