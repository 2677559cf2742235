/** What a person names in a shell. */
import type { Db } from '../db/connect.ts';
import { findAccountBySlug } from '../core/accounts/accounts.ts';
import { findUserByEmail } from '../core/users/users.ts';
import type { EmailAddress } from '../kernel/email-address.ts';
import type { AccountId, UserId } from '../kernel/ids.ts';
import { readEmail } from './given.ts';

export interface NamedAccount {
  readonly id: AccountId;
  readonly name: string;
}

export async function getAccountBySlug(db: Db, slug = ''): Promise<NamedAccount> {
  const account = await findAccountBySlug(db, slug);
  if (!account) throw new Error(`there is no account ${slug}`);
  return account;
}

export async function getUserByEmail(
  db: Db,
  text: string | undefined,
): Promise<{ readonly id: UserId; readonly email: EmailAddress }> {
  const email = readEmail(text);
  const user = await findUserByEmail(db, email);
  if (!user) throw new Error(`there is no user ${email}`);
  return { id: user.id, email };
}
