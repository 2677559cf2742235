import type { Context } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { addSeconds } from '../../kernel/time.ts';
import { sessionLife } from '../keys/keys.ts';
import { isNeeded, usedIn } from './needed.ts';
import { countSealed } from './places.ts';
import { type KeyUse, listKeyUses, listWishes, type Ring, ringNames } from './queries.ts';

/** A key as it is shown: nothing secret. */
export interface RingKey {
  readonly ring: Ring;
  readonly id: string;
  /** Next: stands in the settings, and is used once it stands first on every replica. Lost: only known by what it has made. */
  readonly state: 'next' | 'used' | 'kept' | 'lost';
  readonly beganAt: Date | undefined;
  readonly usedUntil: Date | undefined;
  /** Of a secret key: how many values in the database it has sealed. */
  readonly sealed: number | undefined;
  /** How many running replicas do not have it first; of the next key. */
  readonly awaited: number;
  /** From when on it can be taken out of the settings, and nobody would miss it; undefined while that is not known. */
  readonly removableAt: Date | undefined;
}

/** The keys of these settings, and those that something is still sealed by. Reads whole tables. */
export async function listKeyRings(ctx: Context): Promise<RingKey[]> {
  const { db, config } = ctx;
  const [uses, wishes, sealed] = [await listKeyUses(db), await listWishes(db), await countSealed(db)];
  const ringOf = (ring: Ring, configured: readonly string[]): RingKey[] => {
    const ofRing = uses.filter((use) => use.ring === ring);
    const missing = ofRing.filter((use) => !configured.includes(use.keyId) && isMissed(use));
    return [...configured, ...missing.map(({ keyId }) => keyId)].map((id) => {
      const use = ofRing.find(({ keyId }) => keyId === id);
      const awaited = wishes.filter((wish) => wish[ring] !== id).length;
      return {
        ...{ ring, id, state: stateOf(use, configured.includes(id)) },
        ...{ beganAt: use?.beganAt, usedUntil: use?.usedUntil ?? undefined },
        ...{ sealed: ring === 'secret' ? (sealed.get(id) ?? 0) : undefined, awaited },
        removableAt: use && removableAt(use),
      };
    });
  };
  return [
    ...ringOf(
      'secret',
      config.secretKeys.map(({ id }) => id),
    ),
    ...ringOf(
      'cookie',
      config.cookieKeys.map(({ id }) => id),
    ),
  ];
}

function isMissed(use: KeyUse): boolean {
  return use.usedUntil === null || isNeeded(use);
}

function stateOf(use: KeyUse | undefined, isConfigured: boolean): RingKey['state'] {
  if (!isConfigured) return 'lost';
  if (!use) return 'next';
  return use.usedUntil === null ? 'used' : 'kept';
}

/** A cookie key: when the last session that it has signed is over. */
function removableAt(use: KeyUse): Date | undefined {
  if (use.usedUntil === null) return undefined;
  if (use.ring === 'cookie') return addSeconds(use.usedUntil, sessionLife);
  return isNeeded(use) ? undefined : (use.emptiedAt ?? undefined);
}

/** How a ring stands for all replicas together. */
export interface RingStanding {
  readonly ring: Ring;
  /** Undefined before the first replica has started. */
  readonly usedSince: Date | undefined;
  /** Keys that stand first on some replica, and are not used yet. */
  readonly next: number;
  /** Keys that are used no more, and by which something may still be sealed. */
  readonly needed: number;
}

/** Cheap enough to be asked for all the time: two tables of a few rows, and not what is sealed. */
export async function listRingStandings(db: Db): Promise<RingStanding[]> {
  const [uses, wishes] = [await listKeyUses(db), await listWishes(db)];
  return (Object.keys(ringNames) as Ring[]).map((ring) => {
    const used = usedIn(uses, ring);
    const ofRing = uses.filter((use) => use.ring === ring);
    const next = new Set(wishes.map((wish) => wish[ring]).filter((id) => id !== used));
    return {
      ring,
      usedSince: ofRing.find(({ keyId }) => keyId === used)?.beganAt,
      next: next.size,
      needed: ofRing.filter(isNeeded).length,
    };
  });
}
