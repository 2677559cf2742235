/** The engine on PostgreSQL as one would write it first: one table, and a statement for each of its wishes. */
import type { Adapter, AdapterFactory, AdapterPayload, ClientMetadata } from 'oidc-provider';
import pg from 'pg';

const schema = `
  create table if not exists bench_artifacts (
    model text not null, id text not null, payload jsonb not null, grant_id text, uid text,
    consumed_at timestamptz, expires_at timestamptz, primary key (model, id)
  );
  create index if not exists bench_artifacts_grant_id_idx on bench_artifacts (grant_id);
  create index if not exists bench_artifacts_uid_idx on bench_artifacts (uid);`;

const found = `select payload, extract(epoch from consumed_at)::int as consumed from bench_artifacts
  where model = $1 and (expires_at is null or expires_at > now())`;

/** The clients are in the table as well: the engine asks for one at every request. */
export async function createNaiveAdapter(
  databaseUrl: string,
  clients: readonly ClientMetadata[],
): Promise<AdapterFactory> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  await pool.query(schema);
  const find = async (where: string, values: readonly string[]): Promise<AdapterPayload | undefined> => {
    const { rows } = await pool.query<{ payload: AdapterPayload; consumed: number | null }>(
      `${found} and ${where}`,
      [...values],
    );
    const [row] = rows;
    return row && { ...row.payload, ...(row.consumed !== null && { consumed: row.consumed }) };
  };

  const factory = (model: string): Adapter => ({
    upsert: async (id, payload, expiresIn) => {
      await pool.query(
        `insert into bench_artifacts (model, id, payload, grant_id, uid, expires_at)
         values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
         on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
           uid = excluded.uid, expires_at = excluded.expires_at`,
        [
          model,
          id,
          JSON.stringify(payload),
          payload.grantId,
          payload.uid,
          expiresIn === 0 ? null : expiresIn,
        ],
      );
    },
    find: (id) => find('id = $2', [model, id]),
    findByUid: (uid) => find('uid = $2', [model, uid]),
    findByUserCode: async () => undefined,
    consume: async (id) => {
      await pool.query('update bench_artifacts set consumed_at = now() where model = $1 and id = $2', [
        model,
        id,
      ]);
    },
    destroy: async (id) => {
      await pool.query('delete from bench_artifacts where model = $1 and id = $2', [model, id]);
    },
    revokeByGrantId: async (grantId) => {
      await pool.query('delete from bench_artifacts where grant_id = $1', [grantId]);
    },
  });
  for (const client of clients) await factory('Client').upsert(client.client_id, client, 0);
  return factory;
}
