import type { EmailAddress } from '../../kernel/email-address.ts';
import type { UserId } from '../../kernel/ids.ts';
import type { EmailTrust } from '../identities/identities.ts';
import type { UserState } from '../users/users.ts';

/** All that the decision about a social identity rests on. */
export interface LinkFacts {
  /** Whose it is already; `requiresCompany` when that user's domain lets nobody in by anything but the company. */
  readonly known: { readonly userId: UserId; readonly requiresCompany: boolean } | undefined;
  /** The asserted or typed address, canonical. */
  readonly email: EmailAddress | undefined;
  readonly emailTrust: EmailTrust;
  /** The person has typed the code that was mailed to it, in this browser. */
  readonly emailProven: boolean;
  /** The domain of the address lets nobody in by anything but the company. */
  readonly requiresCompany: boolean;
  /** Who has this address. */
  readonly user:
    { readonly id: UserId; readonly state: UserState; readonly isEmailProven: boolean } | undefined;
  readonly isSignUpOpen: boolean;
}

export type LinkDecision =
  | { readonly does: 'sign_in'; readonly userId: UserId }
  | { readonly does: 'go_to_company' }
  | { readonly does: 'ask_for_email' }
  | { readonly does: 'prove_email' }
  /** An existing user must sign in by their existing way before the two are linked. */
  | { readonly does: 'sign_in_to_link'; readonly userId: UserId }
  /** A user whose mailbox nobody had proven before: what was made under that address is wiped. */
  | { readonly does: 'claim'; readonly userId: UserId }
  | { readonly does: 'create' }
  | { readonly does: 'refuse' };

/**
 * What becomes of a verified social identity: the machine of account linking, up to the proof of an existing user. Pure.
 * An address alone never reaches a user who has been proven: the most it does is to ask for that user's own proof.
 */
export function decideLink(facts: LinkFacts): LinkDecision {
  const { known, email, emailTrust, emailProven, requiresCompany, user, isSignUpOpen } = facts;
  if (known)
    return known.requiresCompany ? { does: 'go_to_company' } : { does: 'sign_in', userId: known.userId };
  if (email === undefined) return { does: 'ask_for_email' };
  if (requiresCompany) return { does: 'go_to_company' };
  // before anything is said of a user: anybody can claim an address that the provider does not stand for
  if (emailTrust === 'none' && !emailProven) return { does: 'prove_email' };
  if (user) {
    // alike for somebody who is switched off: they learn it when they have shown who they are
    if (user.isEmailProven || user.state === 'deactivated')
      return { does: 'sign_in_to_link', userId: user.id };
    return emailProven ? { does: 'claim', userId: user.id } : { does: 'prove_email' };
  }
  if (!isSignUpOpen) return { does: 'refuse' };
  return emailProven || emailTrust === 'authoritative' ? { does: 'create' } : { does: 'prove_email' };
}
