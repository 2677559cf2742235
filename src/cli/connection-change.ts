import { type Context, inTransaction, type Tx } from '../context.ts';
import {
  bindDomain,
  type Change,
  type Connection,
  createConnectionKey,
  listConnectionKeys,
  pilotConnection,
  requireConnection,
  rotateConnectionKeys,
  unbindDomain,
} from '../core/connections/connections.ts';
import { findClaim, parseDomainName } from '../core/domains/domains.ts';
import type { DomainId } from '../kernel/ids.ts';
import { printable } from './answer.ts';
import { confirm } from './confirm.ts';
import { getUserByEmail } from './find.ts';
import { type Given, numberOf, readEmail } from './given.ts';

/** A change that needs nothing but the connection; and somebody’s yes, where there is something to warn of. */
export function changeTo(what: string, work: (tx: Tx, change: Change) => Promise<void>, warning?: string) {
  return async (ctx: Context, { id, label }: Connection, given: Given): Promise<string> => {
    if (warning !== undefined) await confirm(`${printable(label)}: ${warning}`, given);
    await inTransaction(ctx, (tx) => work(tx, { connectionId: id }));
    return `${label} is ${what}.`;
  };
}

export async function bind(ctx: Context, connection: Connection, given: Given): Promise<string> {
  const domainId = await domainOf(ctx, connection, given.words[1]);
  const priority = numberOf(given, 'priority', { from: -1_000_000, to: 1_000_000 }) ?? 0;
  const addresses = given.many('address').map(readEmail);
  await inTransaction(ctx, (tx) =>
    bindDomain(tx, {
      connectionId: connection.id,
      domainId,
      priority,
      ...(addresses.length > 0 && { addresses }),
    }),
  );
  return `${given.words[1]} leads to ${connection.label}.`;
}

export async function unbind(ctx: Context, connection: Connection, given: Given): Promise<string> {
  const domainId = await domainOf(ctx, connection, given.words[1]);
  await confirm(`The people of ${given.words[1]} will not come in by ${printable(connection.label)}.`, given);
  await inTransaction(ctx, (tx) => unbindDomain(tx, { connectionId: connection.id, domainId }));
  return `${given.words[1]} does not lead to ${connection.label} any more.`;
}

async function domainOf(ctx: Context, { accountId }: Connection, text = ''): Promise<DomainId> {
  const name = parseDomainName(text);
  const domain = name && (await findClaim(ctx.db, { accountId, name }));
  if (!domain) throw new Error(`the account has not claimed ${text}: see doorward domain claim`);
  return domain.id;
}

export async function pilot(ctx: Context, { id, label }: Connection, given: Given): Promise<string> {
  const emails = given.words.slice(1).map(readEmail);
  await inTransaction(ctx, (tx) => pilotConnection(tx, { connectionId: id, emails }));
  return `${label} is a pilot, for ${emails.join(', ')}.`;
}

export async function require(ctx: Context, { id, label }: Connection, given: Given): Promise<string> {
  const users = await Promise.all(given.many('break-glass').map((text) => getUserByEmail(ctx.db, text)));
  const breakGlass = users.map((user) => user.id);
  const those = users.map(({ email }) => email).join(', ');
  // whoever has only ever had a password is shut out by it
  await confirm(
    `Of the people of its domains all but ${those} will come in by ${printable(label)} alone.`,
    given,
  );
  await inTransaction(ctx, (tx) => requireConnection(tx, { connectionId: id, breakGlass }));
  return `${label} is required. The password still lets in: ${those}.`;
}

/** In two steps, since the identity provider has to know a key before it meets it. */
export async function rotate(
  ctx: Context,
  { id: connectionId, label }: Connection,
  given: Given,
): Promise<string> {
  const keys = await listConnectionKeys(ctx.db, connectionId);
  const current = keys.filter(({ state }) => state === 'current');
  if (current.length === 0) throw new Error('the connection has no keys of ours');
  const next = keys.filter(({ state }) => state === 'next');
  if (next.length > 0) {
    await confirm(
      `The keys that ${printable(label)} has now will be gone: its side must know the next.`,
      given,
    );
    await inTransaction(ctx, async (tx) => {
      for (const { use } of next) await rotateConnectionKeys(tx, { connectionId, use });
    });
    return 'The next keys are in use, and those before them are gone.';
  }
  for (const { use } of current) await createConnectionKey(ctx, { connectionId, use, state: 'next' });
  return 'The next keys are published. Once the identity provider has them, run this again.';
}
