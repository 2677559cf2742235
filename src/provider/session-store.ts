/** Sessions: a signed-in browser. */
import { recordEvent } from '../core/audit/audit.ts';
import { endOf } from '../core/credentials/credentials.ts';
import { endHeld } from '../core/sessions/sessions.ts';
import type { UserId } from '../kernel/ids.ts';
import { open, seal } from '../kernel/seal.ts';
import { earliest } from '../kernel/time.ts';
import { hashToken } from '../kernel/tokens.ts';
import { copyJson, type Payload } from './copy-json.ts';
import { rowKey, sessionKey } from './row-key.ts';
import type { Store } from './store.ts';
import { LostRace } from './errors.ts';

import {
  deleteSession,
  type Entry,
  type EntryChange,
  findSession,
  findSessionByUid,
  insertSession,
  type SessionRow,
  updateSession,
} from './session-queries.ts';
import { rememberFacts, rememberGrant } from './standing.ts';
import { readRow, recordWrite, type Unit } from './unit-of-work.ts';

export const sessionStore: Store = {
  async find(unit, id) {
    const row = await readRow(unit, rowKey('Session', id), () => loadSession(unit, id));
    noteProof(unit, row);
    if (row) unit.rows.set(loadedKey(row.uid), Promise.resolve(row));
    return row && { ...revealed(unit, row), jti: id };
  },

  async findByUid(unit, uid) {
    const { db, now } = unit.ctx;
    const row = await readRow(unit, sessionKey(uid), () => findSessionByUid(db, uid, now()));
    noteProof(unit, row);
    return row && revealed(unit, row);
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
      payload: concealed(unit, uid, payload),
      expiresAt,
    };
    recordWrite(unit, `Session:write:${uid}`, {
      rank: 'session',
      statement: () => {
        const evidence = unit.login?.evidence;
        const until = endOf(evidence ?? loaded?.evidence ?? []);
        const facts = {
          accountId: unit.login?.account,
          evidence,
          // an identity provider may have said how long a session here may last (SAML core 2.7.2)
          expiresAt: earliest(expiresAt, until) ?? expiresAt,
        };
        if (!loaded) return insertSession({ ...change, ...facts }, unit.ctx.now());
        const removedClients = removedFrom(loaded.payload, payload);
        const changedEntries = changedIn(loaded.payload, payload);
        const rotated = !change.idHash.equals(loaded.idHash);
        return updateSession({ ...change, ...facts, rotated, changedEntries, removedClients });
      },
      lost: () => new LostRace('standing'),
    });
  },

  /** By its uid: another tab may have rotated the id meanwhile, and a sign-out must not miss. */
  async destroy(unit, id) {
    const row = (await unit.rows.get(rowKey('Session', id))) as SessionRow | undefined;
    if (!row) return;
    recordWrite(unit, `Session:write:${row.uid}`, {
      rank: 'session',
      run: async (tx) => {
        // of two sign-outs at once one ends the session
        const { userId = null, authorizations } = (await deleteSession(tx, row.uid)) ?? {};
        if (userId === null) return;
        // a client that another tab has entered since it was read is one that the engine knows nothing of
        await endHeld(tx, userId, { authorizations: enteredSince(row.payload, authorizations ?? {}) });
        const details = { reason: 'signed_out', sessions: 1 };
        await recordEvent(tx, { type: 'session.ended', actorId: userId, userId, details });
      },
    });
  },
};

/** With what an authorization of the client that asks rests on. */
async function loadSession(unit: Unit, id: string): Promise<SessionRow | undefined> {
  const { askedBy: clientId } = unit;
  const row = await findSession(unit.ctx.db, { idHash: hashToken(id), clientId }, unit.ctx.now());
  if (row?.userId && clientId !== undefined) {
    if (row.grantId !== null) rememberGrant(unit, row.grantId, row);
    rememberFacts(unit, { userId: row.userId, clientId }, row.facts);
  }
  return row;
}

/** The lifetimes of settings.ts count from it. */
function noteProof(unit: Unit, row: SessionRow | undefined): void {
  const [proof] = row?.evidence ?? [];
  if (proof) unit.provenAt = new Date(proof.at);
}

/** The row a session had when this request found it. */
export function loadedSession(unit: Unit, uid: string): Promise<SessionRow | undefined> {
  return Promise.resolve(unit.rows.get(loadedKey(uid)) as Promise<SessionRow | undefined> | undefined);
}

/** What the form of a sign-out proves itself with is a secret between us and the browser: kept sealed. */
function concealed({ ctx }: Unit, uid: string, payload: Payload): Payload {
  const state = payload['state'] as Payload | undefined;
  const secret = state?.['secret'];
  if (typeof secret !== 'string') return payload;
  return { ...payload, state: { ...state, secret: seal(ctx.config.secretKeys, secret, placeOf(uid)) } };
}

/** A sign-out whose key is gone meanwhile is forgotten: the session goes on, and the question is asked again. */
function revealed({ ctx }: Unit, { uid, payload: stored }: SessionRow): Payload {
  const payload = copyJson(stored);
  const { state, ...rest } = payload as Payload & { readonly state?: Payload };
  if (typeof state?.['secret'] !== 'string') return payload;
  try {
    return {
      ...rest,
      state: { ...state, secret: open(ctx.config.secretKeys, state['secret'], placeOf(uid)) },
    };
  } catch {
    return rest;
  }
}

function placeOf(uid: string): string {
  return `sessions/${uid}`;
}

function loadedKey(uid: string): string {
  return `Session:loaded:${uid}`;
}

function entriesOf(payload: Payload): Readonly<Record<string, Entry>> {
  return (payload['authorizations'] ?? {}) as Record<string, Entry>;
}

function removedFrom(before: Payload, after: Payload): string[] {
  const now = entriesOf(after);
  return Object.keys(entriesOf(before)).filter((clientId) => !Object.hasOwn(now, clientId));
}

/** What a session holds more than when it was read. A client that has another grant was told of its `sid` already. */
function enteredSince(before: Payload, entries: Readonly<Record<string, Entry>>): Record<string, Entry> {
  const was = entriesOf(before);
  return Object.fromEntries(
    Object.entries(entries).flatMap(([clientId, { sid, ...entry }]) => {
      if (entry.grantId === was[clientId]?.grantId) return [];
      return [[clientId, { ...entry, ...(sid !== undefined && sid !== was[clientId]?.sid && { sid }) }]];
    }),
  );
}

/** The engine makes an empty entry where it only looks for one. */
function changedIn(before: Payload, after: Payload): EntryChange[] {
  const was = entriesOf(before);
  return Object.entries(entriesOf(after))
    .filter(([clientId, entry]) => JSON.stringify(entry) !== JSON.stringify(was[clientId] ?? {}))
    .map(([clientId, entry]) => ({ clientId, entry, grantBefore: was[clientId]?.grantId }));
}
