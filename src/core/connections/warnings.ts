/** Certificates end, and with them the sign-in of a whole company: its admins hear of it in time. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { getAccountName } from '../accounts/accounts.ts';
import { recordEvent } from '../audit/audit.ts';
import { mailAdmins } from '../memberships/memberships.ts';
import { type ConnectionKey, listConnectionKeys } from './key-queries.ts';
import { listConnectionsEndingBefore } from './publish-queries.ts';
import { type Connection, findConnection, lockConnection } from './queries.ts';
import { hasWarned } from './warning-queries.ts';

/** Days before the end; each warns once. */
const warningDays = [1, 7, 14, 30] as const;
const firstWarning = 30;

/** Something of a connection that ends. */
export interface Ending {
  readonly whose: 'idp' | 'ours';
  /** Its fingerprint, or the id of our key. */
  readonly certificate: string;
  readonly notAfter: Date;
}

/** Warns of whatever ends soon, once for each certificate and step, however many replicas do this. Answers how often. */
export async function warnOfCertificates(ctx: Context): Promise<number> {
  let warned = 0;
  const ids = await listConnectionsEndingBefore(ctx.db, addSeconds(ctx.now(), firstWarning * day));
  for (const id of ids) warned += await inTransaction(ctx, (tx) => warnOfConnection(tx, id));
  return warned;
}

async function warnOfConnection(tx: Tx, id: ConnectionId): Promise<number> {
  // held, so that of two replicas the second sees what the first has written
  const connection = await lockConnection(tx, { connectionId: id });
  if (!connection) return 0;
  let warned = 0;
  for (const ending of endingsOf(connection, await listConnectionKeys(tx.db, id))) {
    const step = warningStep(ending.notAfter, tx.now());
    if (step === undefined) continue;
    const { accountId } = connection;
    const warning = { connection_id: id, whose: ending.whose, certificate: ending.certificate, days: step };
    const since = addSeconds(tx.now(), -2 * firstWarning * day);
    if (await hasWarned(tx.db, { accountId, warning, since })) continue;
    await recordEvent(tx, { type: 'connection.certificate_expiring', accountId, details: warning });
    await tellAdmins(tx, connection, ending);
    warned += 1;
  }
  return warned;
}

/**
 * What a sign-in will one day fail for: the last of the identity provider's certificates, since an older one that ends
 * beside its successor is a rollover as it should be; and our own that are in use.
 */
export function endingsOf(connection: Connection, keys: readonly ConnectionKey[]): Ending[] {
  const theirs = connection.kind === 'saml' ? connection.published.certificates : [];
  const last = theirs
    .filter(({ retiringSince }) => retiringSince === null)
    .map(({ fingerprint, notAfter }) => ({ certificate: fingerprint, notAfter: new Date(notAfter) }))
    .reduce<Omit<Ending, 'whose'> | undefined>(
      (latest, one) => (latest && latest.notAfter >= one.notAfter ? latest : one),
      undefined,
    );
  const ours = keys.filter(({ state }) => state === 'current');
  return [
    ...(last ? [{ whose: 'idp' as const, ...last }] : []),
    ...ours.map(({ id, notAfter }) => ({ whose: 'ours' as const, certificate: id, notAfter })),
  ];
}

/** What ends before then of live connections, or has ended. */
export async function listEndings(
  db: Db,
  before: Date,
): Promise<(Ending & { readonly connectionId: ConnectionId })[]> {
  const found: (Ending & { readonly connectionId: ConnectionId })[] = [];
  for (const connectionId of await listConnectionsEndingBefore(db, before)) {
    const connection = await findConnection(db, connectionId);
    if (!connection) continue;
    const endings = endingsOf(connection, await listConnectionKeys(db, connectionId));
    found.push(
      ...endings.filter(({ notAfter }) => notAfter < before).map((ending) => ({ connectionId, ...ending })),
    );
  }
  return found;
}

/** The narrowest step that stands now; undefined when there is time, or it is over. */
export function warningStep(notAfter: Date, now: Date): number | undefined {
  if (notAfter <= now) return undefined;
  return warningDays.find((days) => notAfter <= addSeconds(now, days * day));
}

async function tellAdmins(tx: Tx, connection: Connection, { whose, notAfter }: Ending): Promise<void> {
  const { accountId, label } = connection;
  const days = Math.ceil((notAfter.getTime() - tx.now().getTime()) / (day * 1000));
  const account = await getAccountName(tx.db, accountId);
  const data = { account, connection: label, whose, days, date: notAfter.toISOString().slice(0, 10) };
  await mailAdmins(tx, accountId, { template: 'certificate_expiring', data });
}
