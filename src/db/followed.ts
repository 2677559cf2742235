/** Statements as traces show them: what is done to which table, and no more of it. */
import type pg from 'pg';
import { follow, type SpanStart, type Tracer } from '../kernel/tracer.ts';

/** The same pool, whose statements are followed; the pool itself without a tracer. */
export function followPool(pool: pg.Pool, tracer: Tracer | undefined): pg.Pool {
  if (!tracer) return pool;
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect();
      return {
        query: (text: string, values: unknown[]) =>
          follow(tracer, spanOf(text), () => client.query(text, values)),
        release: () => {
          client.release();
        },
      } as unknown as pg.PoolClient;
    },
  } as unknown as pg.Pool;
}

function spanOf(text: string): SpanStart {
  const [operation = 'statement'] = /^\w+/.exec(text.trimStart()) ?? [];
  const [, table] = /\b(?:from|into|update)\s+"?(\w+)/i.exec(text) ?? [];
  return {
    kind: 'statement',
    name: table === undefined ? operation : `${operation} ${table}`,
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': operation,
      ...(table !== undefined && { 'db.collection.name': table }),
    },
  };
}
