import { sql } from 'kysely';
import type { Db } from './connect.ts';

const patienceMs = 800;

/** Whether the database answers within a second: readiness must tell the truth soon, not after a time-out. */
export async function isDatabaseReachable(db: Db): Promise<boolean> {
  const answered = sql`select 1`.execute(db).then(
    () => true,
    () => false,
  );
  const late = new Promise<false>((resolve) => {
    setTimeout(resolve, patienceMs, false).unref();
  });
  return Promise.race([answered, late]);
}
