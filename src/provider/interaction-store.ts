/** Interactions: authorizations that wait for their person. A finished one stays, emptied, until it expires. */
import { open, seal } from '../kernel/seal.ts';
import { hashToken } from '../kernel/tokens.ts';
import { LostRace } from './errors.ts';
import type { Payload } from './queries.ts';
import { rowKey } from './row-key.ts';
import {
  consumeInteraction,
  findInteraction,
  insertInteraction,
  type InteractionRow,
} from './session-queries.ts';
import { routes } from './settings.ts';
import type { Store } from './store.ts';
import { readRow, recordWrite, type Unit, type Write } from './unit-of-work.ts';

export const interactionStore: Store = {
  async find(unit, uid) {
    const row = await readInteraction(unit, uid);
    return row && !row.finishedAt ? { ...revealed(unit, uid, row.payload), jti: uid } : undefined;
  },

  upsert(unit, uid, { payload, expiresAt }) {
    const stored = concealed(unit, uid, payload);
    const { client_id: client } = (payload['params'] ?? {}) as { client_id?: string };
    const write = { idHash: hashToken(uid), clientId: client ?? null, payload: stored, expiresAt };
    const row: InteractionRow = { ...write, state: null, version: 1, finishedAt: null };
    const run: Write['run'] = (tx) => insertInteraction(tx, write);
    recordWrite(unit, rowKey('Interaction', uid), { rank: 'insert', row, run });
  },

  destroy(unit, uid) {
    recordWrite(unit, rowKey('Interaction', uid), {
      rank: 'consume',
      run: async (tx) => {
        if (!(await consumeInteraction(tx, hashToken(uid)))) throw new LostRace('session');
      },
    });
  },
};

/** The interaction with our own columns: read together with the engine's, once a request. */
export function readInteraction(unit: Unit, uid: string): Promise<InteractionRow | undefined> {
  const { db, now } = unit.ctx;
  return readRow(unit, rowKey('Interaction', uid), () => findInteraction(db, hashToken(uid), now()));
}

/**
 * What is stored holds nothing that could be used: the address to resume at is made from the id, the pushed
 * request's id is sealed, and the session's id and the hint's token, which the engine copies and never looks at
 * again, are left out.
 */
function concealed(unit: Unit, uid: string, payload: Payload): Payload {
  const {
    session,
    params,
    prompt,
    returnTo: _made,
    parJti,
    ...rest
  } = payload as Record<string, Payload | undefined>;
  const { cookie: _cookie, ...boundSession } = session ?? {};
  const { id_token_hint: _hint, ...keptParams } = params ?? {};
  const { id_token_hint: _detail, ...details } = (prompt?.['details'] ?? {}) as Payload;
  const { secretKeys } = unit.ctx.config;
  return {
    ...rest,
    ...(session && { session: boundSession }),
    ...(prompt && { prompt: { ...prompt, details } }),
    ...(typeof parJti === 'string' && { parJti: seal(secretKeys, parJti, placeOf(uid)) }),
    params: keptParams,
  };
}

function revealed(unit: Unit, uid: string, payload: Payload): Payload {
  const { issuer, secretKeys } = unit.ctx.config;
  const { parJti } = payload;
  return {
    ...payload,
    returnTo: `${issuer}${routes.authorization}/${uid}`,
    ...(typeof parJti === 'string' && { parJti: open(secretKeys, parJti, placeOf(uid)) }),
  };
}

function placeOf(uid: string): string {
  return `interactions/${rowKey('Interaction', uid)}`;
}
