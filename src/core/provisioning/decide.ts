import type { Refusal } from '../attempts/attempts.ts';
import type { Mapping } from '../connections/connections.ts';
import type { UserSummary } from '../users/users.ts';

/** All that is asked about a person whom a connection vouches for by their address, for the first time. */
export interface MatchFacts {
  /** Who has the address. */
  readonly user: Pick<UserSummary, 'state' | 'emailVerifiedAt'> | undefined;
  /** They are a member of the connection's account; or `isUnproven`, and invited to it. */
  readonly belongs: boolean;
  /** As a member of the connection's account. */
  readonly isSwitchedOff: boolean;
  readonly provisioning: Mapping['provisioning'];
}

/**
 * `create` a user. `claim` one whose address nobody had proven: what was made under it is wiped. `link` a member.
 * `leave` alone somebody who is switched off: they are told so, and that is all.
 */
export type MatchDecision = 'create' | 'claim' | 'link' | 'leave' | Refusal;

/** An address that nobody has proven is nobody's yet. */
export function isUnproven({ state, emailVerifiedAt }: NonNullable<MatchFacts['user']>): boolean {
  return state !== 'deactivated' && (emailVerifiedAt === null || state === 'invited');
}

/** Only a member can be theirs. Pure, so that whoever foresees a sign-in decides as it does. */
export function decideMatch({ user, belongs, isSwitchedOff, provisioning }: MatchFacts): MatchDecision {
  const brings = provisioning === 'just_in_time';
  if (!user) return brings ? 'create' : { refused: 'not_provisioned' };
  if (user.state === 'deactivated' || isSwitchedOff) return 'leave';
  if (isUnproven(user)) return belongs || brings ? 'claim' : { refused: 'not_provisioned' };
  // somebody else's user: they have to show that it is them before anything is joined
  return belongs ? 'link' : { refused: 'link_required' };
}
