/** Whether the database is there, and what it is: for readiness, for the start, and for whoever looks after it. */
import { setTimeout as rest } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import type { Db } from './connect.ts';
import { DatabaseTrouble, troubleOfConnecting } from './trouble.ts';
import { cutOff, keepAlive } from './wire.ts';

/** With what a busy process needs to notice, within the second that readiness has. */
const patienceMs = 600;
const retryMs = 500;

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

export interface Probe {
  /** Undefined when the database can be written to; answers within a second. */
  trouble(): Promise<DatabaseTrouble | undefined>;
  close(): void;
}

/** Asks on a connection of its own: that all others are in use does not mean that the database is not there. */
export function openProbe(url: string): Probe {
  let client: pg.Client | undefined;
  let asking: Promise<DatabaseTrouble | undefined> | undefined;

  const drop = (): void => {
    if (client) cutOff(client);
    client = undefined;
  };
  const ask = async (): Promise<void> => {
    if (!client) {
      const fresh = new pg.Client({
        connectionString: url,
        application_name: 'doorward probe',
        ...keepAlive,
      });
      client = fresh;
      fresh.on('error', () => {
        if (client === fresh) drop();
      });
      await fresh.connect();
    }
    const { rows } = await client.query<{ is_read_only: boolean }>(
      `select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as is_read_only`,
    );
    // a standby, or a primary that was taken out: nobody could sign in
    if (rows[0]?.is_read_only !== false) throw new DatabaseTrouble('25006', { isBroken: true });
  };
  const askInTime = async (): Promise<DatabaseTrouble | undefined> => {
    const waited = new AbortController();
    const late = rest(patienceMs, undefined, { signal: waited.signal, ref: false }).then(() => {
      throw new DatabaseTrouble('no_answer', { isBroken: true });
    });
    try {
      await Promise.race([ask(), late]);
      return undefined;
    } catch (error) {
      drop();
      return troubleOfConnecting(error);
    } finally {
      late.catch(() => {});
      waited.abort();
      asking = undefined;
    }
  };
  return { trouble: () => (asking ??= askInTime()), close: drop };
}

export interface WaitOptions {
  readonly seconds: number;
  /** Told at first, and every few seconds. */
  readonly onWaiting: (trouble: DatabaseTrouble) => void;
}

/** What no waiting makes better: wrong credentials, and a database that does not exist. */
const hopeless = /^(?:28...|3D000)$/;
const sayEvery = 10;

/** Answers when the database can be written to. Throws DatabaseTrouble when it cannot for so long, or never will. */
export async function waitForDatabase(url: string, { seconds, onWaiting }: WaitOptions): Promise<void> {
  const probe = openProbe(url);
  try {
    const until = performance.now() + seconds * 1000;
    for (let attempt = 0; ; attempt += 1) {
      const trouble = await probe.trouble();
      if (!trouble) return;
      if (hopeless.test(trouble.reason) || performance.now() >= until) throw trouble;
      if (attempt % sayEvery === 0) onWaiting(trouble);
      await rest(retryMs);
    }
  } finally {
    probe.close();
  }
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
