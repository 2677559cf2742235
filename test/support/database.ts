import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Test } from 'tap';

/** A migrated, empty database for one test file, cloned from the run's template; dropped at the end. */
export async function createDatabase(t: Test): Promise<string> {
  const server = process.env['TEST_PG_URL'];
  const template = process.env['TEST_TEMPLATE'];
  if (server === undefined || template === undefined)
    throw new Error('start the tests with: npm test -- <files>');
  const name = `t_${randomBytes(6).toString('hex')}`;
  await execute(server, `create database ${name} template ${template}`);
  t.teardown(() => execute(server, `drop database if exists ${name} with (force)`));
  return urlOf(server, name);
}

function urlOf(server: string, database: string): string {
  return server.replace(/\/postgres(\?|$)/, `/${database}$1`);
}

/** Templates admit one clone at a time: whoever comes second tries again. */
async function execute(server: string, statement: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const client = new pg.Client(server);
    await client.connect();
    try {
      await client.query(statement);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== '55006' || attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await client.end();
    }
  }
}
