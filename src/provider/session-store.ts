/** Sessions and interactions: what belongs to a browser. */
import type { UserId } from '../kernel/ids.ts';
import { hashToken } from '../kernel/tokens.ts';
import { rowKey } from './row-key.ts';
import type { Entry, Store } from './store.ts';
import { LostRace } from './errors.ts';
import type { Payload } from './queries.ts';
import {
  consumeInteraction,
  deleteSession,
  findInteraction,
  findSession,
  findSessionByUid,
  insertInteraction,
  insertSession,
  type InteractionRow,
  type SessionRow,
  updateSession,
} from './session-queries.ts';
import { readRow, recordWrite, type Unit } from './unit-of-work.ts';

type Authorizations = Record<string, unknown>;

export const sessionStore: Store = {
  async find(unit, id) {
    const { db, now } = unit.ctx;
    const row = await readRow(unit, rowKey('Session', id), () => findSession(db, hashToken(id), now()));
    // a copy of its own: the engine changes the document it is given
    if (row) unit.rows.set(loadedKey(row.uid), Promise.resolve(structuredClone(row)));
    return row && { ...row.payload, jti: id };
  },

  async findByUid(unit, uid) {
    const { db, now } = unit.ctx;
    const row = await readRow(unit, `Session:uid:${uid}`, () => findSessionByUid(db, uid, now()));
    return row?.payload;
  },

  async upsert(unit, id, { payload, expiresAt }) {
    // a browser that nothing is known about needs no row: such rows would pile up for every visit
    if (!payload['accountId'] && !payload['state'] && !payload['authorizations']) return;
    const uid = String(payload['uid']);
    const loaded = (await unit.rows.get(loadedKey(uid))) as SessionRow | undefined;
    const change = {
      idHash: hashToken(id),
      uid,
      userId: typeof payload['accountId'] === 'string' ? (payload['accountId'] as UserId) : null,
      payload,
      expiresAt,
    };
    recordWrite(unit, `Session:write:${uid}`, {
      rank: 'session',
      run: async (tx) => {
        const facts = { accountId: unit.login?.account, evidence: unit.login?.evidence };
        if (!loaded) return insertSession(tx, { ...change, ...facts });
        const removedClients = removedFrom(loaded.payload, payload);
        const rotated = !change.idHash.equals(loaded.idHash);
        if (await updateSession(tx, { ...change, ...facts, rotated, removedClients })) return;
        throw new LostRace('session');
      },
    });
  },

  /** By its uid: another tab may have rotated the id meanwhile, and a sign-out must not miss. */
  async destroy(unit, id) {
    const row = (await unit.rows.get(rowKey('Session', id))) as SessionRow | undefined;
    if (!row) return;
    recordWrite(unit, `Session:write:${row.uid}`, {
      rank: 'session',
      run: (tx) => deleteSession(tx, row.uid),
    });
  },
};

/** The row a session had when this request found it. */
export function loadedSession(unit: Unit, uid: string): Promise<SessionRow | undefined> {
  return Promise.resolve(unit.rows.get(loadedKey(uid)) as Promise<SessionRow | undefined> | undefined);
}

function loadedKey(uid: string): string {
  return `Session:loaded:${uid}`;
}

function removedFrom(before: Payload, after: Payload): string[] {
  const now = new Set(Object.keys((after['authorizations'] ?? {}) as Authorizations));
  return Object.keys((before['authorizations'] ?? {}) as Authorizations).filter(
    (clientId) => !now.has(clientId),
  );
}

export const interactionStore: Store = {
  async find(unit, uid) {
    const row = await readInteraction(unit, uid);
    return row && !row.finishedAt ? { ...row.payload, jti: uid } : undefined;
  },

  upsert(unit, uid, { payload, expiresAt }: Entry) {
    const stored = withoutSecrets(payload);
    const { client_id: client } = (payload['params'] ?? {}) as { client_id?: string };
    const write = { idHash: hashToken(uid), clientId: client ?? null, payload: stored, expiresAt };
    recordWrite(
      unit,
      rowKey('Interaction', uid),
      { rank: 'insert', run: (tx) => insertInteraction(tx, write) },
      {
        payload: stored,
        clientId: write.clientId,
        state: null,
        version: 1,
        finishedAt: null,
        expiresAt,
      } satisfies InteractionRow,
    );
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

/** The engine copies the browser's session id and the hint's token into an interaction and never looks at them again. */
function withoutSecrets(payload: Payload): Payload {
  const { session, params, prompt, ...rest } = payload as Record<string, Payload | undefined>;
  const { cookie: _cookie, ...boundSession } = session ?? {};
  const { id_token_hint: _hint, ...keptParams } = params ?? {};
  const { id_token_hint: _detail, ...details } = (prompt?.['details'] ?? {}) as Payload;
  return {
    ...rest,
    ...(session && { session: boundSession }),
    params: keptParams,
    ...(prompt && { prompt: { ...prompt, details } }),
  };
}
