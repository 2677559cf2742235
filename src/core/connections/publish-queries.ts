import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { columns, type OidcConnection, type SamlConnection } from './queries.ts';
import type { OidcPublished } from './settings.ts';

/**
 * Takes the SAML connection whose metadata has been due for longest; others leave it alone until `until`. One statement:
 * of any number of replicas one gets it. By connections_refresh_at_idx.
 */
export async function claimDueMetadata(tx: Tx, until: Date): Promise<SamlConnection | undefined> {
  const row = await tx.db
    .updateTable('connections')
    .set({ refreshAt: until, published: triedAt(tx.now()) })
    .where('id', '=', (due) =>
      due
        .selectFrom('connections')
        .select('id')
        .where('refreshAt', '<=', tx.now())
        .where('kind', '=', 'saml')
        .where('state', '!=', 'disabled')
        .where(sql<boolean>`settings ->> 'metadataUrl' is not null`)
        .orderBy('refreshAt')
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returning(columns)
    .executeTakeFirst();
  return row as unknown as SamlConnection | undefined;
}

/** Takes this one unless somebody has tried since `before`: one of any number gets it. By primary key. */
export async function claimMetadataNow(
  tx: Tx,
  id: ConnectionId,
  before: Date,
): Promise<SamlConnection | undefined> {
  const row = await tx.db
    .updateTable('connections')
    .set({ published: triedAt(tx.now()) })
    .where('id', '=', id)
    .where('kind', '=', 'saml')
    .where(sql<boolean>`settings ->> 'metadataUrl' is not null`)
    .where(
      sql<boolean>`coalesce((published ->> 'triedAt')::timestamptz, '-infinity') <= ${before.toISOString()}`,
    )
    .returning(columns)
    .executeTakeFirst();
  return row as unknown as SamlConnection | undefined;
}

function triedAt(now: Date) {
  return sql<string>`published || jsonb_build_object('triedAt', ${now.toISOString()}::text)`;
}

/** Live connections with a certificate, theirs or ours, that ends soon. Few are connections, and this is asked seldom. */
export async function listConnectionsEndingBefore(db: Db, before: Date): Promise<ConnectionId[]> {
  const result = await sql<{ id: ConnectionId }>`
    select c.id from connections c
    where c.state in ('pilot', 'enabled', 'required') and (
      exists (select from connection_keys k
        where k.connection_id = c.id and k.state = 'current' and k.expires_at < ${before})
      or exists (select from jsonb_array_elements(c.published -> 'certificates') as certificate
        where (certificate ->> 'notAfter')::timestamptz < ${before}))
    order by c.id`.execute(db);
  return result.rows.map(({ id }) => id);
}

/**
 * Adds to what is known of an OpenID provider; what is undefined stays. Nothing when the connection was changed
 * meanwhile: it may be of another provider now, whose keys these are not. By primary key.
 */
export async function updateOidcPublished(
  tx: Tx,
  { id, revision }: Pick<OidcConnection, 'id' | 'revision'>,
  { published, refreshError }: { published?: Partial<OidcPublished>; refreshError?: string | null },
): Promise<void> {
  await tx.db
    .updateTable('connections')
    .set({
      ...(published && { published: sql<string>`published || ${JSON.stringify(published)}::jsonb` }),
      ...(refreshError !== undefined && { refreshError: refreshError?.slice(0, 500) ?? null }),
      updatedAt: tx.now(),
    })
    .where('id', '=', id)
    .where('revision', '=', revision)
    .where('kind', '=', 'oidc')
    .execute();
}
