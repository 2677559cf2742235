/** A call of an operation of the admin interface, made of its row: its address, its body, and new things it is about. */
import type { AnyOperation } from '../../src/http/admin/operation.ts';
import type { AccountId } from '../../src/kernel/ids.ts';
import { type Ids, rows } from '../admin/matrix-rows.ts';
import { globalMakers, makers } from './admin-world.ts';
import type { Api, ApiAnswer, ApiCall } from './api.ts';
import type { TestApp } from './app.ts';
import { makeAccount } from './make.ts';

/** A well-formed id of nothing. */
export const missing: Readonly<Record<string, string>> = {
  account_id: `acc_${'0'.repeat(26)}`,
  user_id: `usr_${'0'.repeat(26)}`,
  seat_id: `sea_${'0'.repeat(26)}`,
  request_id: `srq_${'0'.repeat(26)}`,
  invitation_id: `inv_${'0'.repeat(26)}`,
  domain_id: `dom_${'0'.repeat(26)}`,
  connection_id: `con_${'0'.repeat(26)}`,
  product_id: `prd_${'0'.repeat(26)}`,
  mail_id: `mail_${'0'.repeat(26)}`,
  identity_id: `idn_${'0'.repeat(26)}`,
  client_id: 'nobody',
  kid: 'nothing',
  session_id: 'nothing',
};

export function paramsOf({ url }: AnyOperation): string[] {
  return [...url.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
}

/** Below /api/v1. */
export function pathOf({ url }: AnyOperation, ids: Ids): string {
  return url.replaceAll(/\{(\w+)\}/g, (_all, name: string) => ids[name] ?? missing[name] ?? '');
}

/** Its body, as its row has it. Made anew each time it is asked for. */
export function callOf({ id }: AnyOperation, ids: Ids): ApiCall {
  const { body: make, type } = rows[id] ?? {};
  const body = make?.(ids);
  if (body === undefined) return {};
  return { body, headers: type === undefined ? {} : { 'content-type': type } };
}

export function send(api: Api, operation: AnyOperation, ids: Ids): Promise<ApiAnswer> {
  return api.send(operation.method, pathOf(operation, ids), callOf(operation, ids));
}

/** New things for one call: of the account where the address names one, else of nobody's. */
export async function idsFor(
  app: TestApp,
  operation: AnyOperation,
  [accountId, twin]: readonly [AccountId, AccountId?],
): Promise<Ids> {
  const isBound = operation.url.includes('{account_id}');
  const { endsAccount, needs = [], prepare } = rows[operation.id] ?? {};
  const ids: Record<string, string> = { account_id: endsAccount ? await makeAccount(app.ctx) : accountId };
  for (const name of [...paramsOf(operation), ...needs]) {
    if (name === 'account_id') continue;
    const make = isBound ? makers[name] : (globalMakers[name] ?? makers[name]);
    ids[name] = make ? await make(app, accountId, twin) : (missing[name] ?? '');
  }
  await prepare?.(app, ids);
  return ids;
}
