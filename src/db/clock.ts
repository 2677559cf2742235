/**
 * One clock for all replicas: the database's. Each process has its own clock as long as that agrees; one that does not is
 * corrected by the difference, so that a link lives no longer at a replica that is behind, and a lost reply can be asked
 * for again at one that is ahead. Read again every half minute, and at once when the process's clock jumps.
 */
import { sql } from 'kysely';
import type { BaseLogger } from 'pino';
import type { Clock } from '../kernel/time.ts';
import type { Db } from './connect.ts';

/** Below this both clocks count as one: it is what a busy database takes to answer. */
const toleratedMs = 1000;
const everyMs = 30_000;

/** Reads until the process ends. What it finds is logged: somebody should look after this machine's clock. */
export async function followDatabaseClock(db: Db, log: Pick<BaseLogger, 'warn'>): Promise<Clock> {
  let aheadMs = 0;
  let bootedAt = Date.now() - performance.now();
  let reading: Promise<void> | undefined;

  const read = async (): Promise<void> => {
    const began = Date.now();
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
    const ended = Date.now();
    bootedAt = ended - performance.now();
    const measured = (began + ended) / 2 - (rows[0]?.now.getTime() ?? ended);
    // no more is known than half of the time that the answer took
    if (Math.abs(measured - aheadMs) <= toleratedMs + (ended - began) / 2) return;
    aheadMs = Math.abs(measured) <= toleratedMs ? 0 : measured;
    log.warn({ aheadMs: Math.round(aheadMs) }, 'this clock is not that of the database, whose time counts');
  };
  // a database that does not answer tells no time: the correction stays as it is
  const readSoon = (): void => {
    reading ??= read()
      .catch(() => {})
      .finally(() => (reading = undefined));
  };
  await read();
  setInterval(readSoon, everyMs).unref();
  return () => {
    const jumpedMs = Date.now() - performance.now() - bootedAt;
    if (Math.abs(jumpedMs) <= toleratedMs) return new Date(Date.now() - aheadMs);
    readSoon();
    return new Date(Date.now() - jumpedMs - aheadMs);
  };
}
