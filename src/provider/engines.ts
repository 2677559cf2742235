/**
 * The engine with the signing keys of now. An engine keeps the keys it was made with, so another is made when they
 * change, and takes its place between two requests; what the old one has begun it finishes. Changes are heard of by
 * NOTIFY, looked for every two seconds, foreseen by the clock, and asked for before a request when none of these was in time: a
 * process that has stood still must not sign with a key that was taken out meanwhile.
 */
import { setTimeout as rest } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { clientChangedChannel } from '../core/clients/clients.ts';
import {
  keysChangedChannel,
  type KeyTimes,
  listKeys,
  listSigningKeys,
  nextKeyChange,
  type SigningKey,
} from '../core/keys/keys.ts';
import type { KeyRings } from '../core/key-rings/key-rings.ts';
import { connect, type Db } from '../db/connect.ts';
import { listen, type Listener } from '../db/listen.ts';
import { DatabaseTrouble } from '../db/trouble.ts';
import { Failure } from '../kernel/failures.ts';
import { addSeconds, earliest } from '../kernel/time.ts';
import type { Tracer } from '../kernel/tracer.ts';
import { type ClientCache, createClientCache } from './client-cache.ts';
import { createEnginePages, type EngineHtml } from './pages.ts';
import { createEngine, type Engine, type ServedDocument } from './provider.ts';
import { type StandStill, watchForStandStill } from './stand-still.ts';
import { createUnits } from './unit-of-work.ts';

export interface Engines {
  /** The engine with the keys of now. Failure `unavailable` when the database has not confirmed them for fifteen seconds. */
  current(): Engine;
  /** The engine as it is, for its documents: published keys that are a little old are better than none. */
  latest(): Engine;
  /** Whether the keys are those of now, as far as may be said without asking. */
  isSettled(): boolean;
  /** Waits, for a bounded time, until they are, and does nothing while they are. Never throws. */
  settle(): Promise<void>;
  /** Whether anything may be answered that rests on a key: see `current`. */
  isUsable(): boolean;
  /** See BackChannelLogout: with the keys of now, too. */
  deliverLogout(ctx: Context): Promise<number>;
  close(): Promise<void>;
}

/** Discovery and JWKS as an engine with the keys of now has them, without serving anything. */
export async function renderDocuments(
  ctx: Context,
  html: EngineHtml,
): Promise<ReadonlyMap<string, ServedDocument>> {
  const keys = await listSigningKeys(ctx.db, ctx.config.secretKeys, ctx.now());
  const clients = createClientCache(ctx, () => false);
  const pages = createEnginePages(html);
  const arePublished = () => Promise.resolve(true);
  return (await createEngine(ctx, { units: createUnits(), clients, pages, keys, arePublished })).documents;
}

/** How long keys count as those of now after they were read, in seconds. */
const confirmedFor = 5;
/** And while a request goes on that began with such keys: it may have hashed for a while. Nothing is signed on that alone. */
const usableFor = 3 * confirmedFor;
/** How often they are read without anybody asking. */
const refreshEveryMs = 2000;
/** A request waits no longer for keys to be read, and tries no sooner again when they could not be. */
const waitMs = 5000;
const retryMs = 250;
/** What is back answers sooner than this. */
const troubledWaitMs = 300;

/** When keys were read. */
interface Reading {
  readonly since: Date;
  /** By the machine's own clock: ctx.now() does not jump with it, and so stands still while the machine is suspended. */
  readonly sinceMs: number;
}

interface Serving extends Reading {
  readonly engine: Engine;
  /** The id of the secret key from which the engine derives. */
  readonly secretId: string;
  /** What it was made with. */
  readonly keys: readonly SigningKey[];
  /** What is published, as it was read last. */
  readonly kids: readonly string[];
  readonly until: Date;
}

interface EnginesOptions {
  readonly databaseUrl: string;
  readonly html: EngineHtml;
  readonly rings: KeyRings;
  /** For the reading of keys that a request waits for; that of the clock and of news belongs to nothing. */
  readonly tracer: Tracer | undefined;
}

/** Begins with the keys the database has now. `close` ends the listening. */
export async function openEngines(
  ctx: Context,
  { databaseUrl, html, rings, tracer }: EnginesOptions,
): Promise<Engines> {
  // of its own: in the pool it would wait behind all the requests that wait for it
  const db = connect(databaseUrl, {
    max: 1,
    // whoever waits for the keys can wait for nothing else: what is this slow is as good as gone
    waitSeconds: 2,
    statementSeconds: 2,
    tracer,
    onError: (err) => ctx.log.warn({ err }, 'lost the database connection of the signing keys'),
  });
  const clients = createClientCache(ctx, () => listener.isListening());
  const makings = { units: createUnits(), clients, pages: createEnginePages(html), arePublished };
  let serving = await make(ctx.db, beginReading(ctx));
  const standStill = watchForStandStill();
  const { settle, refresh, stop } = createRefresh(ctx, { isSettled, swap, standStill });

  async function make(from: Db, reading: Reading): Promise<Serving> {
    const keys = await listSigningKeys(from, ctx.config.secretKeys, reading.since);
    const engine = await createEngine(ctx, { ...makings, keys });
    return { engine, secretId: ctx.config.secretKeys[0].id, keys, ...confirmation(keys, reading) };
  }

  async function swap(): Promise<void> {
    const reading = beginReading(ctx);
    const { since } = reading;
    await rings.confirm({ ...ctx, db });
    const confirmed = confirmation(await listKeys(db, since), reading);
    // news of clients was missed as well
    if (!isFresh(ctx, serving, confirmedFor)) clients.forget();
    const isSame = serving.secretId === ctx.config.secretKeys[0].id;
    if (isSame && confirmed.kids.join() === serving.keys.map(({ kid }) => kid).join()) {
      serving = { ...serving, ...confirmed };
      return;
    }
    try {
      serving = await make(db, reading);
      ctx.log.info({ kids: serving.kids }, 'serves with other signing keys');
    } catch (err) {
      // the engine is good for as long as none of its keys was taken out before its time
      const held = serving.keys.filter(({ retireAt }) => !retireAt || retireAt > since);
      if (!held.every(({ kid }) => confirmed.kids.includes(kid))) throw err;
      serving = { ...serving, ...confirmed };
      ctx.log.error({ err }, 'there are other signing keys, but no engine could be made with them');
    }
  }

  function isSettled(): boolean {
    return isFresh(ctx, serving, confirmedFor) && ctx.now() < serving.until;
  }

  async function arePublished(keys: readonly SigningKey[]): Promise<boolean> {
    if (!isSettled()) await settle();
    return isSettled() && keys.every(({ kid }) => serving.kids.includes(kid));
  }

  const listener: Listener = await hearChanges(ctx, { databaseUrl, clients, refresh });
  await refresh(); // what has changed before the listening began

  const timer = setInterval(() => void refresh(), refreshEveryMs).unref();
  const isUsable = (): boolean => isFresh(ctx, serving, usableFor);
  const current = (): Engine => {
    if (!isUsable()) throw new Failure('unavailable');
    return serving.engine;
  };
  return {
    current,
    latest: () => serving.engine,
    isSettled,
    settle,
    isUsable,
    async deliverLogout(request) {
      await settle();
      return current().backChannelLogout.deliver(request);
    },
    async close() {
      clearInterval(timer);
      stop();
      standStill.close();
      await listener.close();
      await rings.leave({ ...ctx, db }).catch((err: unknown) => ctx.log.warn({ err }, 'left without a word'));
      await db.destroy();
    },
  };
}

interface Hearing {
  readonly databaseUrl: string;
  readonly clients: ClientCache;
  refresh(): Promise<void>;
}

/** Answers when nothing is missed any more. */
function hearChanges(
  ctx: Pick<Context, 'log'>,
  { databaseUrl, clients, refresh }: Hearing,
): Promise<Listener> {
  return listen(databaseUrl, {
    channels: {
      [clientChangedChannel]: clients.forget,
      [keysChangedChannel]: () => void refresh(),
    },
    onLost: (err) => {
      ctx.log.warn({ err }, 'lost the notifications; clients are forgotten');
      clients.forget();
    },
    onBack: () => {
      ctx.log.info('notifications arrive again');
      clients.forget();
      void refresh();
    },
  });
}

function beginReading({ now }: Pick<Context, 'now'>): Reading {
  return { since: now(), sinceMs: Date.now() };
}

/** By both clocks: a machine that was suspended must not answer first by the keys of before. */
function isFresh({ now }: Pick<Context, 'now'>, { since, sinceMs }: Reading, seconds: number): boolean {
  const [time, agedMs] = [now(), Date.now() - sinceMs];
  return since <= time && time < addSeconds(since, seconds) && agedMs >= 0 && agedMs < seconds * 1000;
}

/** Until when what was read at `since` may be taken for what is true. */
function confirmation(
  keys: readonly KeyTimes[],
  reading: Reading,
): Reading & Pick<Serving, 'kids' | 'until'> {
  const { since } = reading;
  const until = earliest(nextKeyChange(keys, since), addSeconds(since, confirmedFor)) ?? since;
  return { kids: keys.map(({ kid }) => kid), ...reading, until };
}

interface Refreshing {
  isSettled(): boolean;
  swap(): Promise<void>;
  readonly standStill: StandStill;
}

/** One refresh at a time, whoever asks for it; whoever has news while one runs gets another after it. */
function createRefresh(ctx: Pick<Context, 'log'>, { isSettled, swap, standStill }: Refreshing) {
  let running: Promise<void> | undefined;
  let asked = 0;
  let failedAt = -Infinity;
  let isStopped = false;

  const run = async (): Promise<void> => {
    let answered;
    do {
      answered = asked;
      const begun = performance.now();
      try {
        await swap();
        failedAt = -Infinity;
      } catch (err) {
        if (isStopped) return; // its connections are gone, and nobody waits
        if (begun < standStill.endedAt()) asked += 1;
        else failedAt = performance.now();
        const why = err instanceof DatabaseTrouble ? { reason: err.reason } : { err };
        ctx.log.error(why, 'the signing keys could not be read; goes on with those before');
      }
    } while (asked !== answered);
    running = undefined;
  };
  const start = (): Promise<void> => (running ??= run());

  return {
    stop: () => {
      isStopped = true;
    },
    async refresh(): Promise<void> {
      asked += 1;
      await start();
    },
    async settle(): Promise<void> {
      // twice: what was being read already may have been read before the process stood still
      for (let attempt = 0; attempt < 2 && !isSettled(); attempt += 1) {
        // the database is gone, and is asked again and again: nobody waits long for that. After a stand-still everybody does
        const isInTrouble = failedAt > standStill.endedAt();
        if (isInTrouble && performance.now() - failedAt < retryMs) return;
        const waited = new AbortController();
        await Promise.race([
          start(),
          rest(isInTrouble ? troubledWaitMs : waitMs, undefined, { signal: waited.signal, ref: false }).catch(
            () => {},
          ),
        ]);
        waited.abort();
      }
    },
  };
}
