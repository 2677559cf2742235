/** Grants: what a user allowed a client, in one account. The id is a name and no secret, so it is stored as it is. */
import type { Evidence } from '../core/credentials/credentials.ts';
import type { AccountId, UserId } from '../kernel/ids.ts';
import { copyJson } from './copy-json.ts';
import { LostRace } from './errors.ts';
import { grantKey } from './row-key.ts';
import type { Store } from './store.ts';
import { deleteGrant, findGrant, type GrantRow, insertGrant, updateGrant } from './queries.ts';
import { readRow, recordWrite, type Unit } from './unit-of-work.ts';

export const grantStore: Store = {
  async find(unit, id) {
    const row = await readGrant(unit, id);
    if (row?.accountId) unit.grantAccounts.set(id, row.accountId);
    if (row?.evidence) unit.grantEvidence.set(id, row.evidence);
    return row && { ...copyJson(row.payload), jti: id };
  },

  async upsert(unit, id, { payload, expiresAt }) {
    const known = (await unit.rows.get(grantKey(id))) as GrantRow | undefined;
    const stored = unit.writes.has(grantKey(id)) ? undefined : known;
    // both known only after the engine has made the id
    const accountId = (): AccountId | null => unit.grantAccounts.get(id) ?? null;
    const evidence = (): readonly Evidence[] => unit.grantEvidence.get(id) ?? [];
    const { accountId: userId, clientId } = payload as { accountId: UserId; clientId: string };
    recordWrite(unit, grantKey(id), {
      rank: 'grant',
      row: { payload, accountId: accountId(), evidence: evidence() } satisfies GrantRow,
      statement: () => {
        const facts = { id, payload, evidence: evidence() };
        if (stored) return updateGrant({ ...facts, before: stored.payload });
        return insertGrant({ ...facts, userId, clientId, accountId: accountId(), expiresAt });
      },
      ...(stored && { lost: () => new LostRace('standing') }),
    });
  },

  destroy(unit, id) {
    recordWrite(unit, grantKey(id), { rank: 'revoke', run: async (tx) => void (await deleteGrant(tx, id)) });
  },
};

/** The grant with its account: read once a request, for the engine and for us. */
export function readGrant(unit: Unit, id: string): Promise<GrantRow | undefined> {
  return readRow(unit, grantKey(id), () => findGrant(unit.ctx.db, id, unit.ctx.now()));
}
