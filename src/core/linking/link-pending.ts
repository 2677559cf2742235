import type { Tx } from '../../context.ts';
import { type EmailAddress, parseEmail } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { UserId } from '../../kernel/ids.ts';
import { linkSocialIdentity, providerNames, type SocialIdentity } from '../identities/identities.ts';
import { enqueueMail } from '../outbox/outbox.ts';
import { findUserEmail } from '../users/users.ts';

/** A social identity that waits for its user, with the address it is about. */
export interface PendingIdentity {
  readonly identity: SocialIdentity;
  /** Asserted, or typed where the provider has none. */
  readonly email: EmailAddress | undefined;
  /** The code that was mailed there has been typed in this browser. */
  readonly emailProven: boolean;
}

export function pendingOf(identity: SocialIdentity): PendingIdentity {
  return { identity, email: parseEmail(identity.email), emailProven: false };
}

/** Against what a link is made: which evidence the user gave, or that the mailbox was proven. */
export type SocialProof =
  | { readonly method: 'invitation'; readonly invitation_id: string }
  | { readonly method: 'sign_in'; readonly evidence: readonly string[] }
  | { readonly method: 'mail_code' }
  | { readonly method: 'created' };

export interface Linking {
  readonly userId: UserId;
  readonly pending: PendingIdentity;
  readonly proof: SocialProof;
}

/**
 * Links, with its event, and mails the user who can undo it. Failure `identity_taken` when the identity has a user by
 * now, or the user another identity of this provider: a link never moves.
 */
export async function linkPending(tx: Tx, { userId, pending, proof }: Linking): Promise<void> {
  const { identity, email } = pending;
  const linked = await linkSocialIdentity(tx, { userId, identity, email: email ?? null, proof });
  if (!linked) throw new Failure('identity_taken');
  const owner = await findUserEmail(tx.db, userId);
  if (owner === undefined) throw new Failure('not_found');
  const data = {
    provider: providerNames[identity.provider],
    external: email ?? identity.name ?? identity.subject,
  };
  await enqueueMail(tx, { template: 'social_identity_linked', recipient: owner, locale: 'en', data });
}
