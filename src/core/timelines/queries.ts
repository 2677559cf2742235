import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';

export interface Timeline {
  readonly timeline: string;
  readonly isKnown: boolean;
}

/**
 * The timeline that is written to, at once after a promotion: the control file names the one before for a while. Fails on
 * a standby (55000), and where the functions are not for everybody. By timelines_pkey.
 */
export async function findTimeline(db: Db): Promise<Timeline> {
  const { rows } = await sql<Timeline>`
    select timeline, exists (select from timelines where timelines.timeline = present.timeline) as is_known
    from substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as present (timeline)`.execute(db);
  const [found] = rows;
  if (!found) throw new Error('the database has not named its timeline');
  return found;
}

/** False when another connection was first, which has committed by then: this waits for it. */
export async function insertTimeline(tx: Tx, timeline: string): Promise<boolean> {
  const inserted = await tx.db
    .insertInto('timelines')
    .values({ timeline, seenAt: tx.now() })
    .onConflict((conflict) => conflict.column('timeline').doNothing())
    .returning('timeline')
    .executeTakeFirst();
  return inserted !== undefined;
}

export async function hasOtherTimeline(tx: Tx, timeline: string): Promise<boolean> {
  const other = await tx.db
    .selectFrom('timelines')
    .select('timeline')
    .where('timeline', '<>', timeline)
    .limit(1)
    .executeTakeFirst();
  return other !== undefined;
}

/** Deletes what is used once and whose use was worth something outside of the database; answers how many rows. */
export async function deleteSingleUse(tx: Tx): Promise<number> {
  const deletions = [
    tx.db.deleteFrom('artifacts').where('model', 'in', ['AuthorizationCode', 'PushedAuthorizationRequest']),
    // with the codes that were mailed for them
    tx.db.deleteFrom('interactions'),
    tx.db.deleteFrom('departures'),
    tx.db.deleteFrom('socialDepartures'),
    tx.db.deleteFrom('arrivals'),
    tx.db.deleteFrom('connectionTests'),
    // and with them their links and codes; one that is not decided has neither, and gets its mail
    tx.db.deleteFrom('passwordResetRequests').where('decidedAt', 'is not', null),
  ];
  let deleted = 0;
  for (const deletion of deletions) deleted += Number((await deletion.executeTakeFirst()).numDeletedRows);
  return deleted;
}
