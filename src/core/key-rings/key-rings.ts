/**
 * Key rings: SECRET_KEYS, which seal what is kept, and COOKIE_KEYS, which sign what browsers keep. next → used → kept, by
 * what the replicas have: a new key is used once it stands first on every replica, so that nobody seals or signs what
 * another cannot read yet. Changed by whoever sets the environment or its files; which key is used stands in the database.
 */
export { type Forgotten, forgetKey } from './forget.ts';
export { listKeyRings, listRingStandings, type RingKey, type RingStanding } from './list.ts';
export { sealedPlaces } from './places.ts';
export { type Ring, ringNames } from './queries.ts';
export { emptyKeys, resealNow } from './retire.ts';
export { type KeyRings, listLostKeys, openKeyRings, withUsedKeys } from './rings.ts';
