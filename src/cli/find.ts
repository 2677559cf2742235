/** What a person names in a shell. */
import type { Db } from '../db/connect.ts';
import { findAccountBySlug } from '../core/accounts/accounts.ts';
import { type ClientRow, findClientRow } from '../core/clients/clients.ts';
import { findProductBySlug } from '../core/products/products.ts';
import { findUserByEmail } from '../core/users/users.ts';
import type { EmailAddress } from '../kernel/email-address.ts';
import type { AccountId, ProductId, UserId } from '../kernel/ids.ts';
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

export async function getProductIdBySlug(db: Db, slug = ''): Promise<ProductId> {
  const product = await findProductBySlug(db, slug);
  if (!product) throw new Error(`there is no product ${slug}`);
  return product.id;
}

export async function getClientById(db: Db, clientId = ''): Promise<ClientRow> {
  const client = await findClientRow(db, clientId);
  if (!client) throw new Error(`there is no client ${clientId}`);
  return client;
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
