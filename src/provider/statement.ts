/** Statements that can be written together as one. */
import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../db/connect.ts';

/**
 * One statement that changes one row at most (or asks whether something holds) and has one column, `answer`. It answers
 * no row when its condition does not hold.
 */
export type Statement = RawBuilder<{ readonly answer: string }>;

/** What a statement answers; undefined when its condition does not hold. */
export async function answerOf(db: Db, statement: Statement): Promise<string | undefined> {
  return (await statement.execute(db)).rows[0]?.answer;
}

/** `place` is that of the statement whose condition does not hold, in the order in which they were given. */
export class ConditionFailed extends Error {
  readonly place: number;

  constructor(place: number) {
    super(`the condition of statement ${place} does not hold`);
    this.place = place;
  }
}

export interface Part {
  readonly statement: Statement;
  /** Nothing at all is written when it answers no row. */
  readonly isRequired: boolean;
}

/**
 * Writes all of them or none, as one statement: so it is a transaction without being wrapped in one. Those that are
 * required run first, in their order, and the first that answers no row refuses the whole: ConditionFailed. They see the
 * database as it was before any of them, so no two may change one row. Answers what the required ones answer. What is
 * forgettable is answered before it is on a disk, or at a standby: in a crash of the server it may be as if it had not been.
 */
export async function writeTogether(
  db: Db,
  parts: readonly Part[],
  { isForgettable }: { readonly isForgettable: boolean },
): Promise<string[]> {
  const ctes = parts.map(({ statement }, place) => sql`${nameOf(place)} as (${statement})`);
  const demanded = parts.flatMap(({ isRequired }, place) => (isRequired ? [demand(place)] : []));
  const answers = demanded.length > 0 ? sql`array[${sql.join(demanded)}]` : sql`'{}'::text[]`;
  const query = isForgettable
    ? sql<{ answers: string[] }>`with ${sql.join([withoutWaiting, ...ctes])}
        select ${answers} as answers from without_waiting`
    : sql<{ answers: string[] }>`with ${sql.join(ctes)} select ${answers} as answers`;
  const { rows } = await query.execute(db).catch(refuse);
  return rows[0]?.answers ?? [];
}

/** For this transaction alone; PostgreSQL looks when it commits. */
const withoutWaiting = sql`without_waiting as (select set_config('synchronous_commit', 'off', true))`;

function nameOf(place: number) {
  return sql.raw(`part_${place}`);
}

/**
 * SQL has no way of its own to refuse what it finds; what it can do is fail to read a text as a number. The text contains
 * a count so that it is not read before it is needed.
 */
function demand(place: number) {
  const name = nameOf(place);
  const refusal = sql.raw(`'condition ${place} fails, rows: '`);
  return sql`coalesce((select answer from ${name}), (select (${refusal} || count(*))::int::text from ${name}))`;
}

const invalidText = '22P02';

function refuse(error: unknown): never {
  throw failedConditionOf(error) ?? error;
}

/** What PostgreSQL says around our text is in the language of its server, down to the quotation marks. */
export function failedConditionOf(error: unknown): ConditionFailed | undefined {
  const { code, message = '' } = error as { code?: string; message?: string };
  const place = code === invalidText ? /\bcondition (\d+) fails, rows: /.exec(message)?.[1] : undefined;
  return place === undefined ? undefined : new ConditionFailed(Number(place));
}
