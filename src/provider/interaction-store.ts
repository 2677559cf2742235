/** Interactions: authorizations that wait for their person. A finished one stays, emptied, until it expires. */
import { open, seal } from '../kernel/seal.ts';
import { hashToken } from '../kernel/tokens.ts';
import { LostRace } from './errors.ts';
import { copyJson, type Payload } from './copy-json.ts';

import { rowKey } from './row-key.ts';
import {
  consumeInteraction,
  findInteraction,
  insertInteraction,
  type InteractionRow,
  type SignInMove,
  updateSignIn,
} from './session-queries.ts';
import { routes } from './settings.ts';
import type { Store } from './store.ts';
import { rememberFacts } from './standing.ts';
import { readRow, recordWrite, type Unit } from './unit-of-work.ts';

export const interactionStore: Store = {
  async find(unit, uid) {
    const row = await readInteraction(unit, uid);
    return row && !row.finishedAt ? { ...revealed(unit, uid, copyJson(row.payload)), jti: uid } : undefined;
  },

  upsert(unit, uid, { payload, expiresAt }) {
    const stored = concealed(unit, uid, payload);
    const { client_id: client } = (payload['params'] ?? {}) as { client_id?: string };
    const write = { idHash: hashToken(uid), clientId: client ?? null, payload: stored, expiresAt };
    const row: InteractionRow = { ...write, state: null, version: 1, finishedAt: null };
    recordWrite(unit, rowKey('Interaction', uid), {
      rank: 'insert',
      isForgettable: true,
      row,
      statement: () => insertInteraction(write),
    });
  },

  destroy(unit, uid) {
    recordWrite(unit, rowKey('Interaction', uid), {
      rank: 'consume',
      statement: () => consumeInteraction(hashToken(uid), unit.ctx.now()),
      lost: () => new LostRace('session'),
    });
  },
};

/** Somebody else has moved the sign-in since it was read. */
export class MovedOn extends Error {}

/**
 * Records where a sign-in stands now, in one write with what the engine has recorded of the interaction: when it has
 * moved on since that version, nothing is written at all.
 */
export function recordMove(unit: Unit, uid: string, moved: Pick<SignInMove, 'version' | 'state'>): void {
  const key = rowKey('Interaction', uid);
  const written = unit.writes.get(key)?.row as InteractionRow | undefined;
  const move = { ...moved, idHash: hashToken(uid), written };
  unit.writes.set(key, {
    rank: 'consume',
    // where a sign-in stands is what its person can show once more
    isForgettable: true,
    statement: () => updateSignIn(move),
    lost: () => new MovedOn(),
  });
}

/** The interaction with our own columns: read together with the engine's, once a request. */
export function readInteraction(unit: Unit, uid: string): Promise<InteractionRow | undefined> {
  return readRow(unit, rowKey('Interaction', uid), async () => {
    const row = await findInteraction(unit.ctx.db, hashToken(uid), unit.ctx.now());
    if (row?.subject && row.clientId && row.facts)
      rememberFacts(unit, { userId: row.subject, clientId: row.clientId }, row.facts);
    return row;
  });
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
