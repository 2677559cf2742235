/**
 * Timelines of the database: a promoted standby begins a new one, and so does a restore to a moment. Either may have forgotten
 * the last uses of what is for one use: a thief's copy of a code or link would be good again. So nobody gets a
 * connection to a timeline that is not known before all of it is ended. See docs/adr/0021-a-new-timeline-ends-what-is-for-one-use.md.
 */
import { type Context, inTransaction } from '../../context.ts';
import { checkConnections } from '../../db/connect.ts';
import { DatabaseTrouble } from '../../db/trouble.ts';
import { recordEvent } from '../audit/audit.ts';
import { deleteSingleUse, findTimeline, hasOtherTimeline, insertTimeline, type Timeline } from './queries.ts';

/** A standby has none that it writes to. */
const notInState = '55000';

/** From now on no connection of `ctx.db` is lent before its timeline is known, where it can be read. */
export function watchTimelines(ctx: Context): void {
  let isTold = false;
  checkConnections(ctx.db, async (db) => {
    let found: Timeline;
    try {
      found = await findTimeline(db);
    } catch (err) {
      if (err instanceof DatabaseTrouble) throw err;
      // its connections outlive the promotion: this one is asked again
      if ((err as { code?: unknown }).code === notInState) return false;
      if (!isTold)
        ctx.log.warn({ err }, 'the timeline of the database cannot be read: no fail-over is noticed');
      isTold = true;
      return true;
    }
    if (!found.isKnown) await beginTimeline({ ...ctx, db }, found.timeline);
    return true;
  });
}

/**
 * Makes a timeline known. Unless it is the first of all, what is for one use is ended in the same transaction, once, however
 * many find it at the same moment: whoever is not first waits until it is done.
 */
export async function beginTimeline(ctx: Context, timeline: string): Promise<void> {
  const ended = await inTransaction(ctx, async (tx) => {
    if (!(await insertTimeline(tx, timeline)) || !(await hasOtherTimeline(tx, timeline))) return undefined;
    const rows = await deleteSingleUse(tx);
    await recordEvent(tx, { type: 'database.failed_over', details: { ended: rows, timeline } });
    return rows;
  });
  if (ended === undefined) return;
  ctx.log.warn(
    { timeline, ended },
    'the database has failed over or was restored: what is for one use is ended',
  );
}
