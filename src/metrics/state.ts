/** What only the database knows, read when somebody asks for the numbers: five statements, each by an index or tiny. */
import type { Context } from '../context.ts';
import { listRingStandings, type RingStanding } from '../core/key-rings/key-rings.ts';
import { type KeyDescription, listKeys } from '../core/keys/keys.ts';
import { countPendingMail, type PendingMail } from '../core/outbox/outbox.ts';
import { countPendingLogoutNotices, type PendingNotices } from '../core/sessions/sessions.ts';

export interface StoredState {
  readonly mail: PendingMail;
  readonly notices: PendingNotices;
  readonly keys: readonly KeyDescription[];
  readonly rings: readonly RingStanding[];
}

/** Less than whoever scrapes waits: when the database is gone, the numbers of the process matter most. */
const patienceMs = 3000;

/** Undefined when the database does not answer in time. Never throws. */
export async function readStoredState(ctx: Context): Promise<StoredState | undefined> {
  const read = readAll(ctx).catch((err: unknown) => {
    ctx.log.warn({ err }, 'the metrics are without what the database knows');
    return undefined;
  });
  const late = new Promise<undefined>((resolve) => {
    setTimeout(resolve, patienceMs, undefined).unref();
  });
  return Promise.race([read, late]);
}

/** One after another: a scrape holds one connection of the pool, and not for long. */
async function readAll({ db, now }: Context): Promise<StoredState> {
  const mail = await countPendingMail(db);
  const notices = await countPendingLogoutNotices(db);
  const keys = await listKeys(db, now());
  return { mail, notices, keys, rings: await listRingStandings(db) };
}
