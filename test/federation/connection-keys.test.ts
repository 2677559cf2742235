/** Our own keys towards an identity provider: made, published, rotated, and never readable at rest. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import {
  createConnectionKey,
  listConnectionKeys,
  openConnectionKey,
  rotateConnectionKeys,
} from '../../src/core/connections/connections.ts';
import { startApp } from '../support/app.ts';
import { makeAccount } from '../support/make.ts';
import { makeSaml } from '../support/make-connection.ts';

const { ctx } = await startApp(t, { demo: false });

t.test('keys of our own: sealed, in a certificate that says whose they are, for three years', async (t) => {
  const { id: connectionId } = await makeSaml(ctx, await makeAccount(ctx));
  await createConnectionKey(ctx, { connectionId, use: 'signing', state: 'current' });
  const [key] = await listConnectionKeys(ctx.db, connectionId);
  if (!key) throw new Error('no key');
  const certificate = new X509Certificate(key.certificate);
  t.equal(certificate.subject, 'CN=127.0.0.1');
  t.ok(certificate.verify(certificate.publicKey), 'signed by itself');
  t.ok(certificate.validFromDate <= ctx.now());
  t.equal(certificate.validToDate.getUTCFullYear(), ctx.now().getUTCFullYear() + 3);
  t.ok(Math.abs(certificate.validToDate.getTime() - key.notAfter.getTime()) < 1000);
  t.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 2048);
  const pem = openConnectionKey(ctx.config, key);
  t.ok(pem.startsWith('-----BEGIN PRIVATE KEY-----'), 'PKCS #8');
  t.ok(createPublicKey(createPrivateKey(pem)).equals(certificate.publicKey), 'one pair');
  t.notOk(JSON.stringify(key).includes('PRIVATE KEY'));
  t.throws(() => openConnectionKey(ctx.config, { ...key, id: 'key_other' }), 'bound to its row');
  await t.rejects(createConnectionKey(ctx, { connectionId, use: 'signing', state: 'current' }), {
    code: 'already_exists',
  });
  await t.rejects(createConnectionKey(ctx, { connectionId: 'con_gone', use: 'signing', state: 'next' }), {
    code: 'not_found',
  });
});

t.test('keys rotate to one that was published before, and to no other', async (t) => {
  const { id: connectionId } = await makeSaml(ctx, await makeAccount(ctx));
  await createConnectionKey(ctx, { connectionId, use: 'signing', state: 'current' });
  const rotate = () => inTransaction(ctx, (tx) => rotateConnectionKeys(tx, { connectionId, use: 'signing' }));
  await t.rejects(rotate(), { code: 'not_found' });
  t.equal((await listConnectionKeys(ctx.db, connectionId)).length, 1, 'what there is stays');
  const next = await createConnectionKey(ctx, { connectionId, use: 'signing', state: 'next' });
  await createConnectionKey(ctx, { connectionId, use: 'encryption', state: 'current' });
  const raced = await Promise.allSettled([rotate(), rotate(), rotate()]);
  t.equal(raced.filter(({ status }) => status === 'fulfilled').length, 1);
  t.match(await listConnectionKeys(ctx.db, connectionId), [
    { use: 'encryption', state: 'current' },
    { id: next, use: 'signing', state: 'current' },
  ]);
});
