/** An empty database with two roles: one that owns it, and the service's own, which is nobody in particular. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Test } from 'tap';
import { createEmptyDatabase } from './replicas.ts';

export interface TwoRoles {
  readonly ownerUrl: string;
  readonly serviceUrl: string;
  /** By who may do everything. */
  readonly adminUrl: string;
  readonly service: string;
  readonly owner: string;
}

/** Roles are the whole server's: their names are random, and they are dropped at the end, after the database. */
export async function createTwoRoles(t: Test): Promise<TwoRoles> {
  const password = randomBytes(12).toString('hex');
  const [owner, service] = ['owner', 'Service"'].map(
    (kind) => `${kind} ${randomBytes(6).toString('hex')}`,
  ) as [string, string];
  const named = [owner, service].map((role) => pg.escapeIdentifier(role));
  for (const role of named) await asAdmin(`create role ${role} login password '${password}'`);
  t.teardown(async () => {
    for (const role of named) await asAdmin(`drop role ${role}`);
  });
  const adminUrl = await createEmptyDatabase(t);
  const database = new URL(adminUrl).pathname.slice(1);
  await asAdmin(`alter database ${database} owner to ${named[0] ?? ''}`);
  const by = (role: string): string => byRole(adminUrl, role, password);
  return { ownerUrl: by(owner), serviceUrl: by(service), adminUrl, owner, service };
}

function byRole(address: string, role: string, password: string): string {
  const url = new URL(address);
  if (url.searchParams.has('user')) {
    url.searchParams.set('user', role);
    return url.href;
  }
  url.username = encodeURIComponent(role);
  url.password = password;
  return url.href;
}

async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client(process.env['TEST_PG_URL']);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
