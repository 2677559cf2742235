import { type Context, inTransaction } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { firstIdAt } from '../../kernel/ids.ts';
import { addSeconds, hour, minute } from '../../kernel/time.ts';
import { type EventText, type Seal, startSealHash } from './chain.ts';
import {
  countEventsAfter,
  findLastSeal,
  insertSeal,
  isWritingForLong,
  listEventTexts,
  listSeals,
} from './queries.ts';

/**
 * What is as old as that is all there is of its time. An event gets its id (with its time) when it is written and is
 * seen when its transaction commits: nothing is sealed while a transaction is open that has been writing for a minute,
 * and what one that began later writes is younger than the boundary, even where clocks differ by minutes. That a
 * transaction takes so long is an accident: see the time-outs in db/connect.ts.
 */
const settleSeconds = 5 * minute;
const longTransactionSeconds = minute;

/** Of a trail that was never sealed; and so that none takes long to make. */
const mostEvents = 10_000;
const pageSize = 1000;

/** When nothing happens, that is sealed so often: nobody can slip something into a quiet night. */
const quietSeconds = hour;

/**
 * Seals what has settled; answers how many events, where there is more to seal at once. The seal's hash goes to the log
 * as well, so that whoever rewrites the trail with all of its seals has the log against them. Of any number of replicas
 * one makes the next seal.
 */
export async function sealEvents(ctx: Context): Promise<number> {
  if (await isWritingForLong(ctx.db, longTransactionSeconds)) {
    ctx.log.warn('events are not sealed while a transaction takes this long');
    return 0;
  }
  const now = ctx.now();
  const settledAt = addSeconds(now, -settleSeconds);
  const before = await findLastSeal(ctx.db);
  const seal = await makeSeal(ctx.db, before, { upToId: firstIdAt('evt', settledAt), sealedAt: now });
  const quietSince = firstIdAt('evt', addSeconds(settledAt, -quietSeconds));
  if (seal.eventCount === 0 && before && before.upToId > quietSince) return 0;
  if (!(await inTransaction(ctx, (tx) => insertSeal(tx, seal)))) return 0;
  const { number, eventCount, hash } = seal;
  ctx.log.info({ seal: number, events: eventCount, hash: hash.toString('hex') }, 'events were sealed');
  return eventCount === mostEvents ? eventCount : 0;
}

async function makeSeal(
  db: Db,
  before: Seal | undefined,
  { upToId, sealedAt }: Pick<Seal, 'upToId' | 'sealedAt'>,
): Promise<Seal> {
  const hash = startSealHash(before);
  let [eventCount, lastEventId]: [number, string | null] = [0, null];
  for await (const event of eventsBetween(db, before?.upToId, upToId)) {
    hash.add(event.text);
    eventCount += 1;
    lastEventId = event.id;
    if (eventCount === mostEvents) break;
  }
  const isFull = eventCount === mostEvents && lastEventId !== null;
  const number = (before?.number ?? 0) + 1;
  const seal = { number, upToId: isFull ? lastEventId : upToId, eventCount, lastEventId, sealedAt } as Omit<
    Seal,
    'hash'
  >;
  return { ...seal, hash: hash.finish(seal) };
}

async function* eventsBetween(
  db: Db,
  afterId: string | undefined,
  upToId: string,
): AsyncGenerator<{ readonly id: string; readonly text: EventText }> {
  for (let after = afterId; ;) {
    const page = await listEventTexts(db, { afterId: after, upToId, limit: pageSize });
    yield* page;
    if (page.length < pageSize) return;
    after = page.at(-1)?.id;
  }
}

/** A seal as it was written down outside of the database: by the log, or by whoever verified it before. */
export type KnownSeal = Pick<Seal, 'number' | 'hash'>;

export interface TrailFault {
  /** The first one that does not fit. */
  readonly seal: number;
  readonly problem: 'seal_missing' | 'event_missing' | 'event_added' | 'changed';
  /** The range of ids it covers: the first one exclusive, undefined at the beginning. */
  readonly afterId: string | undefined;
  readonly upToId: string | undefined;
}

export interface TrailReport {
  /** That fit, and the events that they cover. */
  readonly seals: number;
  readonly events: number;
  /** Events that are not sealed yet. */
  readonly unsealed: number;
  /** The last one that fits. */
  readonly last: Seal | undefined;
  readonly fault: TrailFault | undefined;
}

export interface TrailProgress {
  /** That fit so far, the events that they cover, and how many there are. */
  readonly seals: number;
  readonly events: number;
  readonly of: number;
}

/**
 * Makes every seal anew from the events that are there now, and names the first one that does not fit: an event that it
 * covers was changed, is missing, or was slipped in later, or the seal itself was. That the last seals were taken away,
 * or all of them made anew, shows only against one that is known from elsewhere.
 */
export async function verifyTrail(
  db: Db,
  known?: KnownSeal,
  onProgress?: (progress: TrailProgress) => void,
): Promise<TrailReport> {
  const of = onProgress ? ((await findLastSeal(db))?.number ?? 0) : 0;
  let [last, events]: [Seal | undefined, number] = [undefined, 0];
  for await (const seal of allSeals(db)) {
    const problem = await problemOf(db, last, { seal, known });
    if (problem) return { ...(await reportOf(db, last, events)), fault: faultOf(problem, last, seal) };
    last = seal;
    events += seal.eventCount;
    onProgress?.({ seals: seal.number, events, of });
  }
  const report = await reportOf(db, last, events);
  const isCutOff = known && known.number > (last?.number ?? 0);
  return isCutOff ? { ...report, fault: faultOf('seal_missing', last, undefined) } : report;
}

async function* allSeals(db: Db): AsyncGenerator<Seal> {
  for (let after = 0; ;) {
    const page = await listSeals(db, after, pageSize);
    yield* page;
    if (page.length < pageSize) return;
    after = page.at(-1)?.number ?? after;
  }
}

async function problemOf(
  db: Db,
  before: Seal | undefined,
  { seal, known }: { readonly seal: Seal; readonly known: KnownSeal | undefined },
): Promise<TrailFault['problem'] | undefined> {
  if (seal.number !== (before?.number ?? 0) + 1) return 'seal_missing';
  const hash = startSealHash(before);
  let found = 0;
  for await (const { text } of eventsBetween(db, before?.upToId, seal.upToId)) {
    hash.add(text);
    found += 1;
  }
  if (found < seal.eventCount) return 'event_missing';
  if (found > seal.eventCount) return 'event_added';
  const isAnother = known?.number === seal.number && !known.hash.equals(seal.hash);
  return hash.finish(seal).equals(seal.hash) && !isAnother ? undefined : 'changed';
}

async function reportOf(db: Db, last: Seal | undefined, events: number): Promise<TrailReport> {
  const unsealed = await countEventsAfter(db, last?.upToId ?? '');
  return { seals: last?.number ?? 0, events, unsealed, last, fault: undefined };
}

/** Of the seal that should come next. */
function faultOf(
  problem: TrailFault['problem'],
  before: Seal | undefined,
  seal: Seal | undefined,
): TrailFault {
  return { seal: (before?.number ?? 0) + 1, problem, afterId: before?.upToId, upToId: seal?.upToId };
}
