import { sql } from 'kysely';
import type { Db } from '../../db/connect.ts';
import { type AccountId, firstIdAt } from '../../kernel/ids.ts';

/** Whether this very warning is on the audit trail, which nobody can tidy up. By events_account_id_idx. */
export async function hasWarned(
  db: Db,
  asked: { readonly accountId: AccountId; readonly warning: object; readonly since: Date },
): Promise<boolean> {
  const row = await db
    .selectFrom('events')
    .select('id')
    .where('accountId', '=', asked.accountId)
    .where('id', '>', firstIdAt('evt', asked.since))
    .where('type', '=', 'connection.certificate_expiring')
    .where(sql<boolean>`details @> ${JSON.stringify(asked.warning)}::jsonb`)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
