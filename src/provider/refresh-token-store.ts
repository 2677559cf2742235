/**
 * Refresh families: one row for a whole chain of rotations, updated in place.
 *
 * @see RFC 9700 §4.14 and docs/adr/0003-refresh-rotation.md
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { addSeconds, day } from '../kernel/time.ts';
import { hashToken, isSameHash } from '../kernel/tokens.ts';
import { copyJson, type Payload } from './copy-json.ts';
import { refreshTokenLife } from './settings.ts';
import type { Store } from './store.ts';
import { LostRace } from './errors.ts';
import {
  consumeRefreshToken,
  deleteFamily,
  type FamilyRow,
  findFamily,
  insertFamily,
  rotateTogether,
  updateFamilyExpiry,
} from './queries.ts';
import { familyHash, graceSeconds, storedSuccessorOf, successorOf } from './refresh-family.ts';
import { rememberStanding } from './standing.ts';
import { readRow, recordWrite, type StatementWrite, type Unit } from './unit-of-work.ts';

export const refreshTokenStore: Store = {
  /** A token that was rotated away, beyond its grace, is answered as consumed: then the engine ends the grant. */
  async find(unit, token) {
    const family = familyHash(token);
    const row = family && (await readFamily(unit, family));
    if (!row) return undefined;
    const payload = { ...copyJson(row.payload), jti: token };
    if (isLive(row, token, unit.ctx.now())) return payload;
    unit.reusedGrant = row.grantId;
    return { ...payload, consumed: Math.floor(unit.ctx.now().getTime() / 1000) };
  },

  consume(unit, token) {
    unit.rotation = { presented: token };
  },

  /** The first token of a family, or the successor of the one just consumed. */
  upsert(unit, token, { payload, expiresAt }) {
    const { rotation } = unit;
    const family = familyHash(rotation?.presented ?? token);
    if (!family) throw new Error('the engine made a refresh token of another shape');
    const grantId = String(payload['grantId']);
    if (rotation) {
      recordWrite(unit, keyOf(family), rotationOf(unit, rotation, { family, payload, expiresAt }));
      return;
    }
    const first = { familyHash: family, grantId, currentHash: hashToken(token), payload, expiresAt };
    recordWrite(unit, keyOf(family), { rank: 'insert', statement: () => insertFamily(first) });
  },

  destroy(unit, token) {
    const family = familyHash(token);
    if (family) recordWrite(unit, keyOf(family), { rank: 'delete', statement: () => deleteFamily(family) });
  },
};

/** Takes back a rotation that was recorded for an answer which became a refusal. */
export function forgetRotation(unit: Unit): void {
  const family = unit.rotation && familyHash(unit.rotation.presented);
  if (family) unit.writes.delete(keyOf(family));
  delete unit.rotation;
}

/** Moves the idle limit of a token that has just been used and is not rotated; at most once a day, to save the write. */
export function extendRefreshToken(unit: Unit, { entities }: KoaContextWithOIDC['oidc']): void {
  const { RefreshToken: token } = entities;
  const family = token && familyHash(token.jti);
  if (!family || token.expiresWithSession) return;
  const expiresAt = addSeconds(unit.ctx.now(), refreshTokenLife(token, unit.ctx.now()));
  const exp = Math.floor(expiresAt.getTime() / 1000);
  if (exp - (token.exp ?? 0) < day) return;
  const currentHash = hashToken(token.jti);
  recordWrite(unit, keyOf(family), {
    rank: 'insert',
    statement: () => updateFamilyExpiry({ familyHash: family, currentHash, expiresAt, exp }),
  });
}

interface Next {
  readonly family: Buffer;
  readonly payload: Payload;
  readonly expiresAt: Date;
}

function rotationOf(unit: Unit, rotation: NonNullable<Unit['rotation']>, next: Next): StatementWrite {
  const { presented } = rotation;
  const { secretKeys } = unit.ctx.config;
  const lost = () => new LostRace('refresh_token', String(next.payload['grantId']));
  const change = {
    familyHash: next.family,
    presentedHash: hashToken(presented),
    successorHash: hashToken(successorOf(presented, secretKeys)),
    payload: next.payload,
    expiresAt: next.expiresAt,
  };
  const changeAt = (now: Date) => ({ ...change, graceUntil: addSeconds(now, graceSeconds) });
  return {
    rank: 'consume',
    statement: () => {
      const now = unit.ctx.now();
      return consumeRefreshToken(changeAt(now), now);
    },
    shared: async () => {
      const now = unit.ctx.now();
      return (await rotateTogether(unit.ctx.db, changeAt(now), now))?.answer;
    },
    lost,
    settled: (answer) => {
      const successor = storedSuccessorOf(presented, Buffer.from(answer, 'hex'), secretKeys);
      // rotated by another replica under a key that is gone: nobody can name its successor, and the grant ends
      if (successor === undefined) throw lost();
      rotation.successor = successor;
    },
  };
}

function isLive(row: FamilyRow, token: string, now: Date): boolean {
  const hash = hashToken(token);
  if (isSameHash(hash, row.currentHash)) return true;
  const inGrace = row.previousUntil !== null && row.previousUntil > now;
  return inGrace && row.previousHash !== null && isSameHash(hash, row.previousHash);
}

function readFamily(unit: Unit, family: Buffer): Promise<FamilyRow | undefined> {
  return readRow(unit, keyOf(family), async () => {
    const row = await findFamily(unit.ctx.db, family, unit.ctx.now());
    if (row) rememberStanding(unit, row, row);
    return row;
  });
}

function keyOf(family: Buffer): string {
  return `RefreshToken:${family.toString('base64url')}`;
}
