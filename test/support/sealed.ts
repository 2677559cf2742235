/** One value in every place where something is sealed, each made by what makes it in earnest. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type Context, inTransaction } from '../../src/context.ts';
import {
  createConnectionKey,
  offerTest,
  type OidcConnection,
} from '../../src/core/connections/connections.ts';
import {
  keepAnswer,
  storeArrival,
  storeDeparture,
  storeSocialDeparture,
} from '../../src/core/departures/departures.ts';
import { runOnce } from '../../src/core/idempotency/idempotency.ts';
import { newId } from '../../src/kernel/ids.ts';
import { newToken } from '../../src/kernel/tokens.ts';
import { demoParty, post } from '../provider/requests.ts';
import { enter, forgetPasswords } from '../security/whole-run.ts';
import { Agent } from './agent.ts';
import type { TestApp } from './app.ts';
import { makeAccount } from './make.ts';
import { getConnection, makeOidc, passNow } from './make-connection.ts';
import { askForReset } from './reset.ts';

export interface Sealed {
  /** Tested, and offered for another test. */
  readonly connection: OidcConnection;
}

export async function sealEverywhere(app: TestApp): Promise<Sealed> {
  const { ctx, issuer } = app;
  await forgetPasswords(app); // a mail that waits
  await askForReset(new Agent(issuer), 'alan@acme.test'); // a request that nobody has decided
  const { url } = await demoParty(issuer, 'assist').start();
  const pushed = await post(issuer, '/par', url.searchParams);
  const { request_uri: requestUri } = pushed.json() as { request_uri: string };
  const query = new URLSearchParams({ client_id: 'demo-assist', request_uri: requestUri });
  await new Agent(issuer).get(`/authorize?${query.toString()}`);
  const { browser, tokens } = await enter(issuer, 'ada@acme.test');
  const hint = new URLSearchParams({ id_token_hint: tokens.id_token ?? '' });
  await browser.get(`/logout?${hint.toString()}`); // which asks
  const connection = await makeOidc(ctx, await makeAccount(ctx));
  await createConnectionKey(ctx, { connectionId: connection.id, use: 'signing', state: 'current' });
  await passNow(ctx, connection.id);
  const { accountId } = connection;
  await inTransaction(ctx, (tx) => offerTest(tx, { connectionId: connection.id, accountId }));
  await leave(ctx, connection);
  return { connection: (await getConnection(ctx, connection.id)) as OidcConnection };
}

async function leave(ctx: Context, { id: connectionId }: OidcConnection): Promise<void> {
  const [token, browser, attemptId] = [newToken().token, 'a browser', newId('att', ctx.now())];
  const of = { connectionId, purpose: 'test', attemptId } as const;
  await inTransaction(ctx, async (tx) => {
    await storeDeparture(tx, { ...of, token, revision: 1, browser, luggage: { forceAuthn: false } });
    await storeArrival(tx, { ...of, browserHash: Buffer.from('x'), carried: {} });
    const social = { token, provider: 'apple', browser } as const;
    await storeSocialDeparture(tx, { ...social, luggage: { codeVerifier: 'x', nonce: 'x' } as never });
    await keepAnswer(tx, { token, provider: 'apple', answer: [['code', 'x']] });
    const requestHash = createHash('sha256').digest();
    await runOnce(tx, { caller: 'somebody', key: 'a key', requestHash }, () => Promise.resolve('an answer'));
  });
}

/** Where in the database strings stand that a key has sealed, as `table.column.member…`: by what they are, whoever knows of them. */
export async function findSealed({ db }: Pick<Context, 'db'>, keyId: string): Promise<Set<string>> {
  const { rows: tables } = await sql<{ name: string }>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`.execute(
    db,
  );
  const found = new Set<string>();
  for (const { name } of tables) {
    const { rows } = await sql<{
      row: string;
    }>`select to_jsonb(t)::text as row from ${sql.table(name)} t`.execute(db);
    for (const { row } of rows)
      for (const [path, text] of stringsOf(JSON.parse(row), [name])) {
        if (text.startsWith(`${keyId}.`)) found.add(path.join('.'));
      }
  }
  return found;
}

function* stringsOf(value: unknown, path: readonly string[]): Generator<[readonly string[], string]> {
  if (typeof value === 'string') yield [path, value];
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) yield* stringsOf(member, [...path, name]);
}
