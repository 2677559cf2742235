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

export interface ServerDescription {
  readonly version: string;
  /** 150004 for 15.4. */
  readonly versionNumber: number;
  readonly role: string;
  readonly isSuperuser: boolean;
  /** May do with some of our tables what it likes: change them, and drop them. */
  readonly ownsTables: boolean;
  readonly now: Date;
}

/** What answers, who we are to it, and what time it has. */
export async function describeServer(db: Db): Promise<ServerDescription> {
  const { rows } = await sql<ServerDescription>`
    select current_setting('server_version') as version,
      current_setting('server_version_num')::integer as version_number, current_user as role,
      (select rolsuper from pg_roles where rolname = current_user) as is_superuser,
      exists (select from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and pg_has_role(current_user, relowner, 'member')) as owns_tables,
      clock_timestamp() as now`.execute(db);
  const [server] = rows;
  if (!server) throw new Error('the server has not described itself');
  return server;
}
