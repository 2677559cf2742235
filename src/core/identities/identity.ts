import type { AccountId, ConnectionId, UserId } from '../../kernel/ids.ts';
import type { SocialIdentity } from './social.ts';

/** What names somebody at an identity provider for good. */
export interface ExternalKey {
  readonly connectionId: ConnectionId;
  readonly issuer: string;
  readonly subject: string;
}

/** Against what a link was made. */
export interface LinkProof {
  /** `proven_domain`: the account has proven the domain of the asserted address, and the user is its member. */
  readonly method: 'proven_domain';
  readonly domainId: string;
  readonly attemptId: string;
}

export interface NewIdentity extends ExternalKey {
  readonly userId: UserId;
  readonly accountId: AccountId;
  readonly email: string | null;
  readonly name: string | null;
  readonly proof: LinkProof;
}

export interface NewSocialIdentity {
  readonly userId: UserId;
  readonly identity: SocialIdentity;
  readonly email: string | null;
  /** Against what: kept for whoever asks later how this came to be. */
  readonly proof: object;
}
