/** What the trail tells of accounts, mails and keys that operators have had in hand. */
import { randomBytes } from 'node:crypto';
import { type Context, inTransaction } from '../../src/context.ts';
import { renewAccount, reviseAccount, shutAccount } from '../../src/core/accounts/accounts.ts';
import { forgetKey, openKeyRings } from '../../src/core/key-rings/key-rings.ts';
import { listKeys, retireSigningKey, rotateSigningKeys } from '../../src/core/keys/keys.ts';
import { enqueueMail, listMail, retryMail } from '../../src/core/outbox/outbox.ts';
import { beginTimeline } from '../../src/core/timelines/timelines.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { sealingKey } from '../../src/kernel/seal.ts';
import type { TestApp } from './app.ts';
import { makeAccount } from './make.ts';

/** Makes each of it happen. Last: what the withdrawn key has signed counts no more. */
export async function driveOperators({ ctx }: Pick<TestApp, 'ctx'>): Promise<void> {
  const id = await makeAccount(ctx);
  await inTransaction(ctx, async (tx) => {
    await reviseAccount(tx, id, { name: 'Another Name' });
    await shutAccount(tx, id, 'lapsed');
    await renewAccount(tx, id, { expiresAt: null });
    await shutAccount(tx, id, 'suspended');
    await shutAccount(tx, id, 'closed');
    const recipient = parseEmail('retried@made.test');
    if (recipient) await enqueueMail(tx, { template: 'password_changed', recipient, locale: 'en', data: {} });
    const [mail] = await listMail(tx.db, { limit: 1 });
    await retryMail(tx, mail?.id ?? '');
  });
  await driveKeyRings(ctx);
  await rotateSigningKeys(ctx, { alg: 'ES256' });
  const keys = await listKeys(ctx.db, ctx.now());
  const current = keys.find(({ alg, state }) => alg === 'ES256' && state === 'current');
  await inTransaction(ctx, (tx) => retireSigningKey(tx, current?.kid ?? ''));
  await beginTimeline(ctx, 'FFFFFFFF'); // as whoever connects first after a fail-over
}

/** A cookie key comes into use while nobody else is there, and a sealing key is lost. */
async function driveKeyRings(ctx: Context): Promise<void> {
  await ctx.db.deleteFrom('keyHolders').execute();
  const { secretKeys } = ctx.config;
  const readKeys = () => ({ secretKeys, cookieKeys: [newSealingKey(), ...ctx.config.cookieKeys] as const });
  const rings = openKeyRings({ ...ctx.config, ...readKeys(), readKeys });
  await rings.confirm(ctx);
  await rings.leave(ctx);
  const times = { beganAt: ctx.now(), usedUntil: ctx.now() };
  await ctx.db
    .insertInto('keyUses')
    .values({ ring: 'secret', keyId: 'deadbeef', ...times })
    .execute();
  await forgetKey(ctx, 'deadbeef');
}

function newSealingKey() {
  const bytes = randomBytes(32);
  return { id: sealingKey(bytes).id, bytes };
}
