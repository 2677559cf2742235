/** Statements by key whose askers share one: what it costs is mostly its way there and back, not the row. */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { Db } from './connect.ts';
import { assertSomebodyWaits, noteTrouble, withPatience } from './patience.ts';
import { DatabaseTrouble } from './trouble.ts';

/** A row, and the place of the key that has found it. */
export interface Placed {
  readonly place: number;
}

/**
 * The keys as a parameter for `json_to_recordset(…) as asked (place int, …)`; each is an object of columns, and its place
 * is added. PostgreSQL counts on a hundred rows of it, however many there are, and so keeps the plan it has: for an
 * array it would count the keys, and plan the statement anew each time, which costs more than to run it.
 */
export function asTable(keys: readonly Readonly<Record<string, unknown>>[]): string {
  return JSON.stringify(keys.map((key, place) => ({ place, ...key })));
}

/** A value of bytes for asTable. */
export function asBytea(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}

type Load<Key, Row extends Placed> = (db: Db, keys: readonly Key[], now: Date) => Promise<readonly Row[]>;

interface Sharing<Key, Row> {
  readonly keys: Key[];
  readonly rows: Promise<ReadonlyMap<number, Row>>;
}

/** So many keys a statement has at most: a crowd must not become one that outlasts its time. */
const mostKeys = 100;

/**
 * Whoever asks in the same turn of the event loop is answered by one statement, begun at the end of that turn; who asks
 * alone has one alone. Nobody depends on another's patience: it is begun whoever hangs up meanwhile, and bounded by the
 * time-outs of the connection. All of them get trouble of the database; after any other failure each asks alone, since one
 * key may have spoilt it for all. For what waits for no lock: a key that stood still would hold up all.
 */
export function shareStatement<Key, Row extends Placed>(
  load: Load<Key, Row>,
): (db: Db, key: Key, now: Date) => Promise<Row | undefined> {
  const open = new WeakMap<Db, Sharing<Key, Row>>();

  function share(db: Db, now: Date): Sharing<Key, Row> {
    const keys: Key[] = [];
    const sharing = {
      keys,
      rows: turnOfTheLoop().then(() => {
        if (open.get(db) === sharing) open.delete(db);
        return withPatience(endless, async () => byPlace(await load(db, keys, now)));
      }),
    };
    open.set(db, sharing);
    return sharing;
  }

  return async (db, key, now) => {
    assertSomebodyWaits();
    const { keys, rows } = open.get(db) ?? share(db, now);
    const place = keys.push(key) - 1;
    if (keys.length === mostKeys) open.delete(db);
    try {
      return (await rows).get(place);
    } catch (error) {
      // noted where it happened for nobody: each asker must know of it
      if (error instanceof DatabaseTrouble) throw noteTrouble(error);
      if (keys.length === 1) throw error;
      const [row] = await load(db, [key], now);
      return row;
    }
  };
}

const endless = { seconds: Infinity, isGone: () => false };

function byPlace<Row extends Placed>(rows: readonly Row[]): ReadonlyMap<number, Row> {
  return new Map(rows.map((row) => [row.place, row]));
}
