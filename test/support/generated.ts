/** Worlds drawn at random and written to a real database: accounts, seats, a company, and one person to sign in. */
import { type Context, inTransaction, type Tx } from '../../src/context.ts';
import { createAccount } from '../../src/core/accounts/accounts.ts';
import {
  addConnectionKey,
  bindDomain,
  type ConnectionState,
  createConnection,
  type MadeKey,
  type SamlConnection,
} from '../../src/core/connections/connections.ts';
import { updatePassword } from '../../src/core/credentials/credentials.ts';
import { vouchForDomain } from '../../src/core/domains/domains.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { createMembership } from '../../src/core/memberships/memberships.ts';
import { assignSeat } from '../../src/core/seats/seats.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { createUser } from '../../src/core/users/users.ts';
import { type EmailAddress, parseEmail } from '../../src/kernel/email-address.ts';
import type { AccountId, ProductId, UserId } from '../../src/kernel/ids.ts';
import { addSeconds, day } from '../../src/kernel/time.ts';
import { pick, type Random } from './worlds.ts';
import type { Try } from './walks.ts';

/** Made once for all worlds: hashing and key pairs take their time. */
export interface Prepared {
  readonly random: Random;
  readonly passwordHash: string;
  readonly key: MadeKey;
  /** The one whose identity provider is there to be asked. */
  readonly model: SamlConnection;
  readonly product: ProductId;
}

interface Place {
  readonly id: AccountId;
  readonly slug: string;
  /** Seats bought; undefined without a subscription. */
  readonly seats: number | undefined;
}

/** What is usual, or now and then one of the others: with everything wrong at once every sign-in ends alike. */
function mostly<const Value>(random: Random, usual: Value, ...others: readonly [Value, ...Value[]]): Value {
  return random() < 0.85 ? usual : pick(random, others);
}

/** Writes a world under a name of its own; answers what its person tries. */
export function makeWorld(ctx: Context, prepared: Prepared, name: string): Promise<Try> {
  return inTransaction(ctx, async (tx) => {
    const { random } = prepared;
    const places: Place[] = [];
    for (const letter of ['a', 'b', 'c'].slice(0, pick(random, [1, 1, 2, 2, 3])))
      places.push(await makePlace(tx, prepared, `${name}-${letter}`));
    const [first] = places;
    if (!first) throw new Error('no account');
    const domain = `${name}.example`;
    const email = parseEmail(`person@${mostly(random, domain, `elsewhere-${domain}`)}`);
    if (!email) throw new Error('not an address');
    const userId = await makePerson(tx, prepared, email);
    for (const place of places) if (userId) await join(tx, prepared, { place, userId });
    if (pick(random, [0, 0, 0, 0, 1])) await invite(tx, prepared, { place: first, email, userId });
    const state = await makeCompany(tx, prepared, { accountId: first.id, domain, email });
    // a client that asks for an account whose only way in is its company is not answered with a step
    const asked = mostly(random, undefined, first.slug, first.id, 'nowhere');
    const client = mostly(random, 'assist', 'meet', 'admin');
    return { email, client, account: state === 'required' ? undefined : asked };
  });
}

async function makePlace(tx: Tx, { random, product }: Prepared, slug: string): Promise<Place> {
  const now = tx.now();
  const id = await createAccount(tx, {
    slug,
    name: slug,
    status: mostly(random, 'active', 'lapsed', 'suspended', 'closed'),
    expiresAt: mostly(random, null, addSeconds(now, day), addSeconds(now, -2 * day)),
    graceDays: pick(random, [0, 1, 3]),
  });
  const seats = mostly(random, 3, undefined, 0, 1);
  if (seats === undefined) return { id, slug, seats };
  const [startsAt, expiresAt] = mostly(random, [-30, null], [-30, 5], [-30, -2], [1, 30]);
  await createSubscription(tx, {
    accountId: id,
    productId: product,
    seats,
    startsAt: addSeconds(now, startsAt * day),
    expiresAt: expiresAt === null ? null : addSeconds(now, expiresAt * day),
    graceDays: pick(random, [0, 1, 3]),
  });
  return { id, slug, seats };
}

async function makePerson(
  tx: Tx,
  { random, passwordHash }: Prepared,
  email: EmailAddress,
): Promise<UserId | undefined> {
  if (mostly(random, false, true)) return undefined;
  const state = mostly(random, 'active', 'invited', 'deactivated');
  const isVerified = state !== 'invited' && mostly(random, true, false);
  const id = await createUser(tx, { email, state, emailVerifiedAt: isVerified ? tx.now() : null });
  if (mostly(random, true, false)) await updatePassword(tx, id, passwordHash);
  return id;
}

interface Joining {
  readonly place: Place;
  readonly userId: UserId;
}

async function join(tx: Tx, { random, product }: Prepared, { place, userId }: Joining): Promise<void> {
  if (mostly(random, false, true)) return;
  const now = tx.now();
  const role = pick(random, ['admin', 'agent', 'agent']);
  await createMembership(tx, { accountId: place.id, userId, role });
  const breakGlass = role === 'admin' && pick(random, [true, false]);
  const deactivatedAt = mostly(random, null, now);
  await tx.db
    .updateTable('memberships')
    .set({ breakGlass, deactivatedAt })
    .where('accountId', '=', place.id)
    .where('userId', '=', userId)
    .execute();
  if (!place.seats || mostly(random, false, true)) return;
  const [startsAt, endsAt] = mostly(random, [0, null], [0, 2], [-3, -1], [1, null]);
  await assignSeat(tx, {
    accountId: place.id,
    productId: product,
    userId,
    startsAt: addSeconds(now, startsAt * day),
    endsAt: endsAt === null ? null : addSeconds(now, endsAt * day),
  });
}

async function invite(
  tx: Tx,
  { random, product }: Prepared,
  { place, email, userId }: Omit<Joining, 'userId'> & { email: EmailAddress; userId: UserId | undefined },
): Promise<void> {
  const held = tx.db.selectFrom('memberships').select('userId').where('accountId', '=', place.id);
  if (userId && (await held.where('userId', '=', userId).executeTakeFirst())) return;
  const products = place.seats ? pick(random, [[product], [product], []]) : [];
  await createInvitation(tx, {
    accountId: place.id,
    email,
    role: pick(random, ['admin', 'agent']),
    products,
  });
}

/** Beside the identity provider of Globex; answers how it stands, where there is one. */
async function makeCompany(
  tx: Tx,
  { random, product, key, model }: Prepared,
  { accountId, domain, email }: { accountId: AccountId; domain: string; email: EmailAddress },
): Promise<ConnectionState | undefined> {
  if (pick(random, [true, false, false])) return undefined;
  const { settings, published } = model;
  const mapping = {
    email: ['email'],
    provisioning: pick(random, ['just_in_time', 'just_in_time', 'invited_only']),
    everybodysProducts: pick(random, [[product], [product], []]),
  };
  const connectionId = await createConnection(tx, { accountId, label: domain, settings, published, mapping });
  await addConnectionKey(tx, { connectionId, use: 'signing', state: 'current' }, key);
  const { id: domainId } = await vouchForDomain(tx, { accountId, name: domain });
  const other = 'somebody@else.example' as EmailAddress;
  const addresses = mostly(random, undefined, [email], [other]);
  await bindDomain(tx, { accountId, connectionId, domainId, ...(addresses && { addresses }) });
  if (mostly(random, false, true))
    await tx.db.updateTable('domains').set({ state: 'stale' }).where('id', '=', domainId).execute();
  const state = pick(random, [
    'draft',
    'disabled',
    'pilot',
    'pilot',
    'enabled',
    'enabled',
    'required',
    'required',
  ]);
  const pilotEmails = pick(random, [[email], [email], [other]]);
  await tx.db
    .updateTable('connections')
    .set({ state, pilotEmails: [...pilotEmails] })
    .where('id', '=', connectionId)
    .execute();
  return state;
}
