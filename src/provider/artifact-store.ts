/** Codes, opaque access tokens, pushed requests and replay marks: short-lived rows by model and hashed id. */
import type { Context } from '../context.ts';
import { open, seal } from '../kernel/seal.ts';
import { addSeconds, hour } from '../kernel/time.ts';
import { hashToken } from '../kernel/tokens.ts';
import { copyJson, type Payload } from './copy-json.ts';
import { rowKey } from './row-key.ts';
import { rememberStanding } from './standing.ts';
import type { Store } from './store.ts';
import { LostRace, type RaceFor } from './errors.ts';
import {
  consumeArtifact,
  deleteArtifact,
  findArtifact,
  insertArtifact,
  type ArtifactModel,
  type ArtifactRow,
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
      const payload = copyJson(unsealed(unit, rowKey(model, id), row.payload));
      return {
        ...payload,
        exp:
          model === 'PushedAuthorizationRequest'
            ? pushedExpiry(unit, row)
            : byEngineClock(unit.ctx, row.expiresAt),
        jti: id,
        ...(consumedAt && { consumed: Math.floor(consumedAt.getTime() / 1000) }),
      };
    },

    upsert(unit, id, { payload, expiresAt }) {
      const isPushed = model === 'PushedAuthorizationRequest';
      const row = {
        model,
        payload: sealed(unit, rowKey(model, id), payload),
        grantId: typeof payload['grantId'] === 'string' ? payload['grantId'] : null,
        consumedAt: null,
        expiresAt: isPushed ? addSeconds(expiresAt, longestSignIn) : expiresAt,
      };
      recordWrite(unit, rowKey(model, id), {
        rank: model === 'ReplayDetection' ? 'consume' : 'insert',
        row,
        statement: () => insertArtifact({ ...row, idHash: hashToken(id) }, unit.ctx.now()),
        lost: () => new LostRace('proof'),
      });
    },

    consume(unit, id) {
      const key = rowKey(model, id);
      const row = unit.rows.get(key) as Promise<ArtifactRow | undefined> | undefined;
      unit.writes.set(key, {
        rank: 'consume',
        statement: () => consumeArtifact({ model, idHash: hashToken(id) }, unit.ctx.now()),
        lost: async () => new LostRace(lostOver[model] ?? 'code', (await row)?.grantId ?? undefined),
      });
    },

    destroy(unit, id) {
      const key = { model, idHash: hashToken(id) };
      recordWrite(unit, rowKey(model, id), { rank: 'delete', statement: () => deleteArtifact(key) });
    },
  };
}

/** Models whose tokens look alike: whoever asks for one of them may well ask for the others. */
const lookingAlike: Partial<Record<ArtifactModel, readonly ArtifactModel[]>> = {
  AccessToken: ['AccessToken', 'ClientCredentials'],
  ClientCredentials: ['AccessToken', 'ClientCredentials'],
};

/** What cannot be an id of the engine's needs no statement; the engine asks for every token as if it were each kind. */
const opaque = /^[\w-]{43}$/;

async function readArtifact(unit: Unit, model: ArtifactModel, id: string): Promise<ArtifactRow | undefined> {
  const models = lookingAlike[model];
  if (!models) return readRow(unit, rowKey(model, id), () => loadArtifact(unit, [model], id));
  if (!opaque.test(id)) return undefined;
  const row = await readRow(unit, rowKey(models.join(), id), () => loadArtifact(unit, models, id));
  return row?.model === model ? row : undefined;
}

async function loadArtifact(
  unit: Unit,
  models: readonly ArtifactModel[],
  id: string,
): Promise<ArtifactRow | undefined> {
  const { db, now } = unit.ctx;
  const row = await findArtifact(db, { models, idHash: hashToken(id) }, now());
  if (row) rememberStanding(unit, row, row);
  return row;
}

/**
 * A pushed request outlives its minute, for two sign-ins begun within it must not both end in a code: the second must
 * still find it consumed. To the engine it has expired by then.
 */
function pushedExpiry({ ctx }: Unit, { expiresAt }: ArtifactRow): number {
  const end = addSeconds(expiresAt, -longestSignIn);
  return end <= ctx.now() ? 1 : byEngineClock(ctx, end);
}

/** Our clock judges what is too old; the engine asks the process's, which at another replica may have been behind. */
function byEngineClock({ now }: Pick<Context, 'now'>, end: Date): number {
  return Math.floor((Date.now() + (end.getTime() - now().getTime())) / 1000);
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
