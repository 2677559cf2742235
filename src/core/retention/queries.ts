import { type RawBuilder, sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { firstIdAt } from '../../kernel/ids.ts';
import { addSeconds } from '../../kernel/time.ts';
import type { Retention } from './rules.ts';

/** Deletes the oldest that are over, past what others hold; answers how many. By the rule's index. */
export async function deleteBatch(tx: Tx, rule: Retention, limit: number): Promise<number> {
  const table = sql.table(rule.table);
  const result = await sql`
    delete from ${table} where ctid = any(array(${selectOver(rule, tx.now(), limit)} for update skip locked))`.execute(
    tx.db,
  );
  return Number(result.numAffectedRows ?? 0);
}

/** The oldest that are over. By the rule's index, which has them in this order. */
export function selectOver(rule: Retention, now: Date, limit: number): RawBuilder<unknown> {
  return sql`select ctid from ${sql.table(rule.table)} where ${isOver(rule, now)}
    order by ${sql.ref(rule.by.column)} limit ${limit}`;
}

/** By the rule's index. */
export async function countOver(db: Db, rule: Retention, now: Date): Promise<number> {
  const result = await sql<{ count: number }>`
    select count(*) as count from ${sql.table(rule.table)} where ${isOver(rule, now)}`.execute(db);
  return result.rows[0]?.count ?? 0;
}

/** By the rule's index. */
export async function hasOver(db: Db, rule: Retention, now: Date): Promise<boolean> {
  const { rows } = await selectOver(rule, now, 1).execute(db);
  return rows.length > 0;
}

function isOver({ by, keptSeconds, and }: Retention, now: Date): RawBuilder<boolean> {
  const before = addSeconds(now, -keptSeconds);
  const bound = by.prefix === undefined ? before : firstIdAt(by.prefix, before);
  return sql<boolean>`${sql.ref(by.column)} < ${bound} and ${and ? and(before) : sql`true`}`;
}
