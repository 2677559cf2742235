/** A client as an operator reads it. Its secret is no part of it: it is said once, by what made it. */
import type { Db } from '../db/connect.ts';
import type { ClientRow, ClientWithSecret } from '../core/clients/clients.ts';
import { getProduct } from '../core/products/products.ts';
import { inSnakeCase, printable } from './answer.ts';
import type { Answer } from './command.ts';

export function cellsOf({ clientId, authMethod, grantTypes, name }: ClientRow): string[] {
  return [clientId, authMethod, grantTypes.join(' '), name];
}

/** A line for each member that says something, under the names of the admin interface. */
export async function describe(db: Db, client: ClientRow): Promise<Answer> {
  const product = client.productId === null ? null : (await getProduct(db, client.productId)).slug;
  const data = { ...inSnakeCase(client), product };
  const lines = Object.entries(data).map(([name, value]) => [name, textOf(value)] as const);
  const told = lines.filter(([, text]) => text !== '').map(([name, text]) => `${name}: ${printable(text)}`);
  return { text: told.join('\n'), data };
}

function textOf(value: unknown): string {
  if (value === null) return '';
  if (Array.isArray(value)) return value.join(' ');
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What was made just now, with its secret; as data, also all that is true of it. */
export function withSecret({ client, secret }: ClientWithSecret, ...more: readonly string[]): Answer {
  const text = secret === null ? `client_id: ${client.clientId}` : secretOf(client.clientId, secret);
  return { text: [text, ...more].join('\n'), data: { ...inSnakeCase(client), client_secret: secret } };
}

export function secretOf(clientId: string, secret: string): string {
  const once = 'The secret is not stored readable and not shown again.';
  return `client_id: ${clientId}\nclient_secret: ${secret}\n\n${once}`;
}
