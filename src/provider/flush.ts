/** The end of a unit of work: everything that was recorded is written, or nothing. */
import { inTransaction } from '../context.ts';
import { tallyOf, eventsStatement } from '../core/audit/audit.ts';
import type { Db } from '../db/connect.ts';
import { LostRace } from './errors.ts';
import { ConditionFailed, type Part, writeTogether } from './statement.ts';
import { type StatementWrite, type StepsWrite, type Unit, type Write, writeRanks } from './unit-of-work.ts';

/**
 * Writes a unit. What is one statement each is written as one statement; a transaction is opened only for what takes more.
 * A deadlock is repeated: the flush is a function of what was recorded. Throws LostRace when a single use was lost.
 */
export async function settleUnit(unit: Unit): Promise<void> {
  if (unit.writes.size === 0 && unit.events.length === 0 && unit.records.length === 0) return;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await flush(unit);
      break;
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (attempt === 3 || error instanceof LostRace || (code !== '40P01' && code !== '40001')) throw error;
    }
  }
  const { observer } = unit.ctx;
  for (const event of unit.events) observer?.recorded(tallyOf(event));
}

async function flush(unit: Unit): Promise<void> {
  const writes = inOrder(unit.writes);
  const together = writes.filter((write): write is StatementWrite => 'statement' in write);
  const after = writes.filter((write): write is StepsWrite => 'run' in write);
  if (after.length === 0 && unit.records.length === 0) {
    const isForgettable = unit.events.length === 0 && together.every((write) => write.isForgettable);
    if (!(await flushShared(unit, together)))
      await flushTogether(unit.ctx.db, { unit, writes: together, isForgettable });
    return;
  }
  await inTransaction(unit.ctx, async (tx) => {
    // what else is in the transaction must not be lost
    await flushTogether(tx.db, { unit, writes: together, isForgettable: false });
    for (const { run } of after) await run(tx);
    for (const record of unit.records) await record(tx);
  });
}

function inOrder(writes: ReadonlyMap<string, Write>): Write[] {
  return [...writes.entries()]
    .sort(
      ([keyA, a], [keyB, b]) =>
        writeRanks.indexOf(a.rank) - writeRanks.indexOf(b.rank) || (keyA < keyB ? -1 : 1),
    )
    .map(([, write]) => write);
}

/** With other requests, where one write is all there is; false when that is not so, or did not come about. */
async function flushShared({ events }: Unit, writes: readonly StatementWrite[]): Promise<boolean> {
  const [only, ...others] = writes;
  if (!only?.shared || others.length > 0 || events.length > 0) return false;
  const answer = await only.shared();
  if (answer === undefined) return false;
  only.settled?.(answer);
  return true;
}

interface Together {
  readonly unit: Unit;
  readonly writes: readonly StatementWrite[];
  readonly isForgettable: boolean;
}

async function flushTogether(
  db: Db,
  { unit: { ctx, events }, writes, isForgettable }: Together,
): Promise<void> {
  const parts: Part[] = writes.map(({ statement, lost, settled }) => ({
    statement: statement(),
    isRequired: lost !== undefined || settled !== undefined,
  }));
  if (events.length > 0) parts.push({ statement: eventsStatement(ctx, events), isRequired: false });
  if (parts.length === 0) return;
  const answers = await writeTogether(db, parts, { isForgettable }).catch(async (error: unknown) => {
    const lost = error instanceof ConditionFailed ? writes[error.place]?.lost : undefined;
    throw lost ? await lost() : error;
  });
  const required = writes.filter((_, place) => parts[place]?.isRequired);
  for (const [place, { settled }] of required.entries()) settled?.(answers[place] ?? '');
}
