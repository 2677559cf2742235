/** Codes, opaque access tokens, pushed requests and replay marks: short-lived rows by model and hashed id. */
import { open, seal } from '../kernel/seal.ts';
import { addSeconds, hour } from '../kernel/time.ts';
import { hashToken } from '../kernel/tokens.ts';
import { rowKey } from './row-key.ts';
import type { Store } from './store.ts';
import { LostRace, type RaceFor } from './errors.ts';
import {
  consumeArtifact,
  deleteArtifact,
  findArtifact,
  insertArtifact,
  type ArtifactModel,
  type ArtifactRow,
  type Payload,
} from './queries.ts';
import { readRow, recordWrite, type Unit } from './unit-of-work.ts';

/** Login, access and consent, an hour each at most: so long a sign-in may rest on the pushed request it began with. */
const longestSignIn = 3 * hour;

const lostOver: Partial<Record<ArtifactModel, RaceFor>> = {
  AuthorizationCode: 'code',
  PushedAuthorizationRequest: 'request_uri',
};

export function artifactStore(model: ArtifactModel): Store {
  return {
    async find(unit, id) {
      // the insert at the flush is the judge of replays; asking before would only be a second, racy opinion
      if (model === 'ReplayDetection') return undefined;
      const row = await readArtifact(unit, model, id);
      if (!row) return undefined;
      const { consumedAt, grantId } = row;
      if (consumedAt && grantId) unit.reusedGrant = grantId;
      const payload = unsealed(unit, rowKey(model, id), row.payload);
      return {
        ...payload,
        ...(model === 'PushedAuthorizationRequest' && pushedExpiry(unit, row)),
        jti: id,
        ...(consumedAt && { consumed: Math.floor(consumedAt.getTime() / 1000) }),
      };
    },

    upsert(unit, id, { payload, expiresAt }) {
      const isPushed = model === 'PushedAuthorizationRequest';
      const keptUntil = isPushed ? addSeconds(expiresAt, longestSignIn) : expiresAt;
      const grantId = typeof payload['grantId'] === 'string' ? payload['grantId'] : null;
      const row = {
        payload: sealed(unit, rowKey(model, id), payload),
        grantId,
        consumedAt: null,
        expiresAt: keptUntil,
      };
      const run = async (tx: Parameters<typeof insertArtifact>[0]): Promise<void> => {
        const { payload: stored } = row;
        const isNew = await insertArtifact(tx, {
          model,
          idHash: hashToken(id),
          grantId,
          payload: stored,
          expiresAt:
            model === 'PushedAuthorizationRequest' ? addSeconds(expiresAt, longestSignIn) : expiresAt,
        });
        if (!isNew) throw new LostRace('proof');
      };
      const rank = model === 'ReplayDetection' ? 'consume' : 'insert';
      recordWrite(unit, rowKey(model, id), { rank, row, run });
    },

    consume(unit, id) {
      const key = rowKey(model, id);
      const row = unit.rows.get(key) as ReturnType<typeof findArtifact> | undefined;
      unit.writes.set(key, {
        rank: 'consume',
        run: async (tx) => {
          if (await consumeArtifact(tx, { model, idHash: hashToken(id) })) return;
          throw new LostRace(lostOver[model] ?? 'code', (await row)?.grantId ?? undefined);
        },
      });
    },

    destroy(unit, id) {
      const key = { model, idHash: hashToken(id) };
      recordWrite(unit, rowKey(model, id), { rank: 'delete', run: (tx) => deleteArtifact(tx, key) });
    },
  };
}

function readArtifact(unit: Unit, model: ArtifactModel, id: string) {
  const { db, now } = unit.ctx;
  return readRow(unit, rowKey(model, id), () => findArtifact(db, { model, idHash: hashToken(id) }, now()));
}

/**
 * A pushed request outlives its minute, for two sign-ins begun within it must not both end in a code: the second must
 * still find it consumed. To the engine it has expired by then.
 */
function pushedExpiry({ ctx }: Unit, { payload, expiresAt }: ArtifactRow): { exp: unknown } {
  return { exp: addSeconds(expiresAt, -longestSignIn) <= ctx.now() ? 1 : payload['exp'] };
}

/** A pushed request is a token made of everything that was asked, hints about people included: kept sealed. */
function sealed(unit: Unit, place: string, payload: Payload): Payload {
  const { request } = payload;
  return typeof request === 'string'
    ? { ...payload, request: seal(unit.ctx.config.secretKeys, request, place) }
    : payload;
}

function unsealed(unit: Unit, place: string, payload: Payload): Payload {
  const { request } = payload;
  return typeof request === 'string'
    ? { ...payload, request: open(unit.ctx.config.secretKeys, request, place) }
    : payload;
}
