/** What the bare engine keeps in memory. Everything is copied by way of JSON, as any store would. */
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

/** Nothing expires: a run is over sooner. */
export function createMapAdapter(): AdapterFactory {
  const rows = new Map<string, string>();
  const byUid = new Map<string, string>();
  const byGrant = new Map<string, Set<string>>();
  const read = (key: string | undefined): AdapterPayload | undefined => {
    const text = rows.get(key ?? '');
    return text === undefined ? undefined : (JSON.parse(text) as AdapterPayload);
  };

  return (model: string): Adapter => {
    const keyOf = (id: string): string => `${model}:${id}`;
    return {
      upsert: async (id, payload) => {
        const { uid, grantId } = payload;
        rows.set(keyOf(id), JSON.stringify(payload));
        if (uid !== undefined) byUid.set(uid, keyOf(id));
        if (grantId === undefined) return;
        const ofGrant = byGrant.get(grantId) ?? new Set();
        byGrant.set(grantId, ofGrant.add(keyOf(id)));
      },
      find: async (id) => read(keyOf(id)),
      findByUid: async (uid) => read(byUid.get(uid)),
      findByUserCode: async () => undefined,
      consume: async (id) => {
        const payload = read(keyOf(id));
        if (payload)
          rows.set(keyOf(id), JSON.stringify({ ...payload, consumed: Math.floor(Date.now() / 1000) }));
      },
      destroy: async (id) => {
        rows.delete(keyOf(id));
      },
      revokeByGrantId: async (grantId) => {
        for (const key of byGrant.get(grantId) ?? []) rows.delete(key);
        byGrant.delete(grantId);
      },
    };
  };
}
