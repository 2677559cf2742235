import { inTransaction, type Tx } from '../../src/context.ts';
import {
  beginTest,
  bindDomain,
  createConnectionKey,
  deleteConnection,
  disableConnection,
  enableConnection,
  pilotConnection,
  requireConnection,
  reviseConnection,
  rotateConnectionKeys,
  settleRefresh,
  unbindDomain,
  warnOfCertificates,
} from '../../src/core/connections/connections.ts';
import { vouchForDomain } from '../../src/core/domains/domains.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { addSeconds, day } from '../../src/kernel/time.ts';
import type { TestApp } from './app.ts';
import { makeAccount, makeMember, makeUser } from './make.ts';
import { makeSaml, namedCertificate, passNow, publishedWith, signedIn } from './make-connection.ts';

/** Everything that can become of a connection, from its first draft to its end. */
export async function driveConnections({ ctx }: TestApp): Promise<void> {
  const write = (work: (tx: Tx) => Promise<unknown>): Promise<unknown> => inTransaction(ctx, work);
  const accountId = await makeAccount(ctx);
  const [one, other] = [await makeUser(ctx), await makeUser(ctx)];
  await makeMember(ctx, one.id, accountId, 'admin');
  await makeMember(ctx, other.id, accountId, 'admin');
  const ending = namedCertificate('a', { notAfter: addSeconds(ctx.now(), day).toISOString() });
  const connection = await makeSaml(ctx, accountId, { published: publishedWith(ending) });
  const change = { connectionId: connection.id };
  await write((tx) => reviseConnection(tx, { ...change, label: 'Renamed' }));
  await beginTest(ctx, change);
  await passNow(ctx, connection.id);
  await write(async (tx) => {
    const { id: domainId } = await vouchForDomain(tx, { accountId, name: 'life-cycle.example' });
    await bindDomain(tx, { ...change, domainId });
    await unbindDomain(tx, { ...change, domainId });
  });
  const email = parseEmail(one.email);
  await write((tx) => pilotConnection(tx, { ...change, emails: email ? [email] : [] }));
  await write((tx) => enableConnection(tx, change));
  await signedIn(ctx, connection, one.id);
  await write((tx) => requireConnection(tx, { ...change, breakGlass: [one.id] }));
  await write((tx) => requireConnection(tx, { ...change, breakGlass: [other.id] }));
  await warnOfCertificates(ctx);
  const published = publishedWith(namedCertificate('b'));
  await write((tx) => settleRefresh(tx, connection, { published }));
  await createConnectionKey(ctx, { ...change, use: 'signing', state: 'next' });
  await write((tx) => rotateConnectionKeys(tx, { ...change, use: 'signing' }));
  await write((tx) => disableConnection(tx, change));
  await write((tx) => deleteConnection(tx, change));
}
