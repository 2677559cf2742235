/**
 * Identities: who a user is at an identity provider, by (connection, issuer, subject) and never by email. A link is made
 * against a proof, which is kept; it never moves to another user.
 */
import type { Tx } from '../../context.ts';
import { newId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import type { NewIdentity, NewSocialIdentity } from './identity.ts';
import { insertIdentity, insertSocialIdentity } from './queries.ts';

export {
  type EmailTrust,
  isSocialProvider,
  providerNames,
  type SocialIdentity,
  type SocialProvider,
  socialProviders,
} from './social.ts';
export type { ExternalKey, LinkProof, NewIdentity } from './identity.ts';
export {
  deleteIdentitiesOf,
  deleteIdentity,
  findIdentity,
  findSocialIdentity,
  type Identity,
  insertHeard,
  listLinkedConnections,
  listOwnIdentities,
  lockWaysIn,
  type OwnIdentity,
  restoreUnlinked,
  touchIdentity,
  undoDays,
  updateSnapshot,
  updateUnlinked,
} from './queries.ts';

/** Links, once: an identity that has a user already is a unique violation (identities_external_key), whoever asks. */
export async function linkIdentity(tx: Tx, identity: NewIdentity): Promise<void> {
  const id = newId('idn', tx.now());
  await insertIdentity(tx, { ...identity, id });
  const { userId, accountId, connectionId, proof } = identity;
  await recordEvent(tx, {
    type: 'identity.linked',
    userId,
    accountId,
    details: {
      identity_id: id,
      connection_id: connectionId,
      method: proof.method,
      domain_id: proof.domainId,
    },
  });
}

/**
 * Links, once: false when the identity has a user already, whoever that is, or this user has another identity of the
 * provider (identities_social_key, identities_one_per_provider_key).
 */
export async function linkSocialIdentity(tx: Tx, link: NewSocialIdentity): Promise<boolean> {
  const id = newId('idn', tx.now());
  const { userId, identity, proof } = link;
  if (!(await insertSocialIdentity(tx, { ...link, id }))) return false;
  const { provider } = identity;
  await recordEvent(tx, {
    type: 'identity.linked',
    actorId: userId,
    userId,
    details: { identity_id: id, provider, ...proof },
  });
  return true;
}
