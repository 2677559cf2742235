/** A customer: the billing tenant. active, lapsed, suspended or closed; operators change it. */
import { createHash } from 'node:crypto';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { Failure } from '../../kernel/failures.ts';
import { newId, type AccountId } from '../../kernel/ids.ts';
import { changesBetween, recordEvent } from '../audit/audit.ts';
import { endAccess } from '../sessions/sessions.ts';
import {
  type Account,
  type AccountChanges,
  type AccountStatus,
  type Contact,
  findAccount,
  lockAccount,
  updateAccount,
} from './queries.ts';

export {
  type Account,
  type AccountFilter,
  type AccountStatus,
  type Contact,
  listAccounts,
} from './queries.ts';

export interface NewAccount {
  /** A stable short name, unique, for links and configuration. */
  readonly slug: string;
  readonly name: string;
  readonly status?: AccountStatus;
  readonly expiresAt?: Date | null;
  /** Days after `expiresAt` in which everything still works. */
  readonly graceDays?: number;
  readonly contacts?: readonly Contact[];
}

/** Failure `already_exists` for a slug that is taken (accounts_slug_key). */
export async function createAccount(tx: Tx, { contacts = [], ...account }: NewAccount): Promise<AccountId> {
  const now = tx.now();
  const id = newId('acc', now);
  const inserted = await tx.db
    .insertInto('accounts')
    .values({ ...account, contacts: JSON.stringify(contacts), id, createdAt: now, updatedAt: now })
    .onConflict((conflict) => conflict.constraint('accounts_slug_key').doNothing())
    .executeTakeFirst();
  if (!inserted.numInsertedOrUpdatedRows)
    throw new Failure('already_exists', { fields: { slug: 'is taken' } });
  const { slug, name } = account;
  await recordEvent(tx, { type: 'account.created', accountId: id, details: { slug, name } });
  return id;
}

/** Failure `not_found`. */
export async function getAccount(db: Db, id: AccountId): Promise<Account> {
  const account = await findAccount(db, id);
  if (!account) throw new Failure('not_found');
  return account;
}

/** The account, held until the transaction ends. Failure `not_found`. */
export async function getLockedAccount(tx: Tx, id: AccountId): Promise<Account> {
  const account = await lockAccount(tx, id);
  if (!account) throw new Failure('not_found');
  return account;
}

/** Changes what is said of an account, but not whether its people may come in. Failure `not_found`. */
export async function reviseAccount(
  tx: Tx,
  id: AccountId,
  changes: Pick<AccountChanges, 'name' | 'contacts'>,
): Promise<Account> {
  const before = await getLockedAccount(tx, id);
  const after = await updateAccount(tx, id, changes);
  await noteChanges(tx, 'account.changed', { before, after });
  return after;
}

const verbs = {
  lapsed: 'account.lapsed',
  suspended: 'account.suspended',
  closed: 'account.closed',
} as const;

/**
 * Shuts an account out: nobody comes in any more, and what its people were given ends at once, but not what they hold
 * elsewhere. What is closed stays closed: failure `action_not_available`. Failure `not_found`.
 */
export async function shutAccount(
  tx: Tx,
  id: AccountId,
  status: Exclude<AccountStatus, 'active'>,
): Promise<Account> {
  const before = await getLockedAccount(tx, id);
  if (before.status === 'closed' && status !== 'closed') throw new Failure('action_not_available');
  const after = await updateAccount(tx, id, { status });
  await noteChanges(tx, verbs[status], { before, after });
  await endAccess(tx, { accountId: id, reason: `account_${status}` });
  return after;
}

/** Lets an account in again, until `expiresAt`; null is for good. Failures `not_found`, `action_not_available` when closed. */
export async function renewAccount(
  tx: Tx,
  id: AccountId,
  term: { readonly expiresAt: Date | null; readonly graceDays?: number },
): Promise<Account> {
  const before = await getLockedAccount(tx, id);
  if (before.status === 'closed') throw new Failure('action_not_available');
  const after = await updateAccount(tx, id, { status: 'active', ...term });
  await noteChanges(tx, 'account.renewed', { before, after });
  return after;
}

async function noteChanges(
  tx: Tx,
  type: 'account.changed' | 'account.renewed' | (typeof verbs)[keyof typeof verbs],
  { before, after }: { readonly before: Account; readonly after: Account },
): Promise<void> {
  const changes = changesBetween(withoutAddresses(before), withoutAddresses(after));
  // an event tells of a change: doing again what is so already leaves none
  if (changes) await recordEvent(tx, { type, accountId: after.id, details: { changes } });
}

/** No address is ever part of an event: of contacts it says for what there are some, and whether they have changed. */
function withoutAddresses({ contacts, ...account }: Account): object {
  const fingerprint = createHash('sha256').update(JSON.stringify(contacts)).digest('hex').slice(0, 12);
  return { ...account, contacts: { kinds: contacts.map(({ kind }) => kind), fingerprint } };
}

export async function getAccountName(db: Db, id: AccountId): Promise<string> {
  const query = db.selectFrom('accounts').select('name').where('id', '=', id);
  const account = await query.executeTakeFirst();
  if (!account) throw new Failure('not_found');
  return account.name;
}

/** By accounts_slug_key. */
export async function findAccountBySlug(
  db: Db,
  slug: string,
): Promise<{ readonly id: AccountId; readonly name: string } | undefined> {
  return db.selectFrom('accounts').select(['id', 'name']).where('slug', '=', slug).executeTakeFirst();
}
