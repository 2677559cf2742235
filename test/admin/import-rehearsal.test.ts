/** A dry run answers exactly what would happen, and writes nothing: on worlds and files drawn at random from a seed. */
import t from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { createProduct } from '../../src/core/products/products.ts';
import { assignSeat } from '../../src/core/seats/seats.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import type { AccountId, ProductId } from '../../src/kernel/ids.ts';
import { startApp } from '../support/app.ts';
import { dumpDatabase } from '../support/canaries.ts';
import { importAll, jsonLines, words } from '../support/imports.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';

const worlds = 25;
const bcrypt = '$2b$04$zbcdefghijklmnopqrstuu8Kj1hwnc2GLGe2WaK4HG8TO90W1L0rm';

/** Numbers from a seed (mulberry32): the same world every time. */
function dice(seed: number) {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = <Value>(...values: readonly [Value, ...Value[]]): Value =>
    values[Math.floor(next() * values.length)] ?? values[0];
  const chance = (share: number): boolean => next() < share;
  return { pick, chance };
}

type Dice = ReturnType<typeof dice>;
type Slug = 'chat' | 'docs';

interface World {
  readonly ctx: Context;
  readonly products: Readonly<Record<Slug, ProductId>>;
  readonly seed: number;
}

/** People of every kind: members, admins, invited ones, those of another account and those nobody knows. */
async function makeWorld({ ctx, products, seed }: World, { pick, chance }: Dice) {
  const [accountId, elsewhere] = [await makeAccount(ctx), await makeAccount(ctx)];
  const bought = { chat: pick(0, 1, 2, 3, 5), docs: pick(1, 2, 4) };
  const [startsAt, slugs] = [ctx.now(), ['chat', 'docs'] as const];
  for (const slug of slugs)
    await inTransaction(ctx, (tx) =>
      createSubscription(tx, { accountId, productId: products[slug], seats: bought[slug], startsAt }),
    );
  const emails: string[] = [];
  for (let index = 0; index < 14; index += 1) {
    const email = `p${index}@world-${seed}.test`;
    emails.push(email);
    const kind = pick('admin', 'agent', 'pending', 'elsewhere', 'invited elsewhere', 'nobody');
    if (kind === 'nobody') continue;
    if (kind === 'pending') await invite(ctx, { accountId, email, products: [products[pick(...slugs)]] });
    else await makePerson(email, kind);
  }
  return { accountId, emails, bought };

  async function makePerson(email: string, kind: 'admin' | 'agent' | 'elsewhere' | 'invited elsewhere') {
    const state =
      kind === 'invited elsewhere' ? 'invited' : pick('active', 'active', 'active', 'deactivated');
    const { id: userId } = await makeUser(ctx, { email, state, password: null });
    const isHere = kind === 'admin' || kind === 'agent';
    await makeMember(ctx, userId, isHere ? accountId : elsewhere, kind === 'admin' ? 'admin' : 'agent');
    if (!isHere || chance(0.5)) return;
    const productId = products[pick(...slugs)];
    await inTransaction(ctx, (tx) => assignSeat(tx, { accountId, productId, userId })).catch(() => {});
  }
}

async function invite(
  ctx: Context,
  { accountId, email, products }: { accountId: AccountId; email: string; products: ProductId[] },
): Promise<void> {
  const address = parseEmail(email);
  if (!address) throw new Error('not an address');
  await inTransaction(ctx, (tx) =>
    createInvitation(tx, { accountId, email: address, role: 'agent', products }),
  ).catch(() => {});
}

function makeFile(emails: readonly string[], { pick, chance }: Dice): string {
  const rows = Array.from({ length: 24 }, () => ({
    email: pick(...(emails as [string, ...string[]]), 'not an address'),
    ...(chance(0.5) && { role: pick('admin', 'agent', 'agent', chance(0.1) ? 'owner' : 'agent') }),
    ...(chance(0.7) && { products: pick<string[]>(['chat'], ['docs'], ['docs', 'chat'], []) }),
    ...(chance(0.3) && { password_hash: pick(bcrypt, bcrypt, bcrypt, 'wrong') }),
    ...(chance(0.3) && { state: pick('active', 'invited') }),
    ...(chance(0.2) && { email_verified: true }),
  }));
  return jsonLines(rows);
}

t.test('a dry run', async (t) => {
  const { ctx, databaseUrl } = await startApp(t, { demo: false });
  const products = await inTransaction(ctx, async (tx) => ({
    chat: await createProduct(tx, { slug: 'chat', name: 'Chat' }),
    docs: await createProduct(tx, { slug: 'docs', name: 'Docs' }),
  }));
  const met = new Set<string>();
  // but for what every replica says of itself every two seconds
  const stored = async () =>
    new Set((await dumpDatabase(databaseUrl, { except: ['public.key_holders'] })).text.split('\n'));

  for (let seed = 1; seed <= worlds; seed += 1) {
    const drawn = dice(seed);
    const { accountId, emails, bought } = await makeWorld({ ctx, products, seed }, drawn);
    const file = makeFile(emails, drawn);
    const mayVouch = drawn.chance(0.75);
    const before = seed % 10 === 1 ? await stored() : undefined;
    const foretold = await importAll(ctx, file, { accountId, mayVouch, dryRun: true });
    if (before) t.same(await stored(), before, 'nothing is written');
    const done = await importAll(ctx, file, { accountId, mayVouch });
    t.same(done.rows, foretold.rows, `world ${seed}`);
    t.same(done.summary.counts, foretold.summary.counts);
    for (const word of words(done)) met.add(word);

    const again = words(await importAll(ctx, file, { accountId, mayVouch }));
    for (const [index, { outcome }] of done.rows.entries())
      if (outcome !== 'refused') t.equal(again[index], 'unchanged', `world ${seed}, row ${index + 1}, again`);
    for (const slug of ['chat', 'docs'] as const) {
      const count = (table: 'seats' | 'seatReservations') =>
        ctx.db
          .selectFrom(table)
          .select('userId')
          .where('accountId', '=', accountId)
          .where('productId', '=', products[slug])
          .execute();
      const taken = (await count('seats')).length + (await count('seatReservations')).length;
      t.ok(taken <= bought[slug], `world ${seed}: ${taken} of ${bought[slug]} seats of ${slug}`);
    }
  }
  const all = ['created', 'joined', 'invited', 'updated', 'unchanged'];
  const refusals = ['invalid_input', 'duplicate_row', 'no_free_seat', 'already_exists', 'last_admin'];
  t.same([...met].sort(), [...all, ...refusals].sort(), 'every outcome was met');
});

t.test('the last admin stays one, as the rows before have left it', async (t) => {
  const { ctx } = await startApp(t, { demo: false });
  const accountId = await makeAccount(ctx);
  const [first, second] = [await makeUser(ctx), await makeUser(ctx)];
  await makeMember(ctx, first.id, accountId, 'admin');
  await makeMember(ctx, second.id, accountId, 'admin');
  const lowered = [first, second].map(({ email }) => ({ email, role: 'agent' }));
  const raised = { email: 'new-admin@rehearsed.test', role: 'admin', state: 'active' };
  const both = async (rows: readonly object[]) => {
    const foretold = words(await importAll(ctx, jsonLines(rows), { accountId, dryRun: true }));
    t.same(words(await importAll(ctx, jsonLines(rows), { accountId })), foretold);
    return foretold;
  };
  t.same(await both(lowered), ['updated', 'last_admin']);
  t.same(await both([raised, ...lowered]), ['created', 'unchanged', 'updated']);
});
