/**
 * What stands between kysely and the pool of pg: statements get names, waiting is bounded, trouble is told from
 * mistakes, and a connection that may be dead, or has not been checked, is not given to anybody.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { assertInTime, assertSomebodyWaits, noteTrouble } from './patience.ts';
import { DatabaseTrouble, troubleOfConnecting, troubleOfStatement } from './trouble.ts';
import { cutOff } from './wire.ts';

/** How many may wait for each connection there is; whoever comes then would not be served in time. */
const waitingForEach = 50;

export interface Guard {
  /** Sees each connection before it is lent; answers false when it can say nothing yet, and is asked again the next time. */
  check?: (lent: Lent) => Promise<boolean>;
}

export function guardPool(pool: pg.Pool, guard: Guard = {}): pg.Pool {
  const nameOf = createNames();
  const checked = new WeakSet<pg.PoolClient>();
  const suspicion = createSuspicion(pool);
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      assertSomebodyWaits();
      if (pool.waitingCount >= waitingForEach * pool.options.max)
        throw noteTrouble(new DatabaseTrouble('too_many_wait'));
      const client = await takeTrusted(pool, suspicion);
      const lent = lend(client, { nameOf, suspicion });
      if (guard.check && !checked.has(client) && (await passes(lent, guard.check))) checked.add(client);
      return lent;
    },
  } as unknown as pg.Pool;
}

interface Lending {
  readonly nameOf: (text: string) => string | undefined;
  readonly suspicion: Suspicion;
}

type Lent = ReturnType<typeof lend>;

async function passes(lent: Lent, check: NonNullable<Guard['check']>): Promise<boolean> {
  try {
    return await check(lent);
  } catch (error) {
    lent.release();
    throw noteTrouble(troubleOfConnecting(error));
  }
}

/** One connection for as long as kysely keeps it. */
function lend(client: pg.PoolClient, { nameOf, suspicion }: Lending) {
  let isUsable = true;
  return {
    async query(text: string, values: readonly unknown[]) {
      // it is cut off and thrown away: to ask it would be to wait a second time for what does not answer
      if (text === 'rollback' && !isUsable) return { command: 'ROLLBACK', rowCount: null, rows: [] };
      // what is open must be undone, however late it is
      if (text !== 'rollback') assertInTime();
      const name = values.length > 0 ? nameOf(text) : undefined;
      try {
        const result = await client.query({ text, values: [...values], ...(name && { name }) });
        suspicion.clear(client);
        return result;
      } catch (error) {
        const trouble = troubleOfStatement(error);
        // a connection that could not roll back has a transaction open still
        if (trouble?.isBroken || text === 'rollback') isUsable = false;
        if (!trouble) throw error;
        if (trouble.isBroken) suspicion.raise();
        throw noteTrouble(trouble);
      }
    },
    release: () => {
      if (isUsable) client.release();
      else discard(client);
    },
  };
}

/** Where one connection broke, those that have been silent since are dead as well, and would each cost a time-out. */
interface Suspicion {
  raise(): void;
  clear(client: pg.PoolClient): void;
  isOn(client: pg.PoolClient): boolean;
}

function createSuspicion(pool: pg.Pool): Suspicion {
  const heardAt = new WeakMap<object, number>();
  let since = 0;
  const clear = (client: object): void => void heardAt.set(client, performance.now());
  pool.on('connect', clear);
  return {
    raise: () => {
      since = performance.now();
    },
    clear,
    isOn: (client) => (heardAt.get(client) ?? 0) < since,
  };
}

async function takeTrusted(pool: pg.Pool, suspicion: Suspicion): Promise<pg.PoolClient> {
  for (;;) {
    const client = await pool.connect().catch((error: unknown) => {
      throw noteTrouble(troubleOfConnecting(error));
    });
    if (!suspicion.isOn(client)) return client;
    discard(client);
  }
}

function discard(client: pg.PoolClient): void {
  cutOff(client);
  client.release(true);
}

/**
 * kysely sends unnamed statements, which Postgres parses and plans every time (130 µs instead of 57 for a look-up
 * by key). Named by the hash of its text, a statement is planned once a connection. Only the first thousand texts
 * are named, so that a query whose text varies cannot fill the server's memory.
 */
function createNames(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined || names.size >= 1000) return known;
    const name = createHash('sha256').update(text).digest('base64url').slice(0, 24);
    names.set(text, name);
    return name;
  };
}
