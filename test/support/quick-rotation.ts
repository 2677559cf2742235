/** Signing keys that rotate within seconds, and a program that asks for tokens signed with them. */
import { decodeProtectedHeader } from 'jose';
import { type Context, inTransaction } from '../../src/context.ts';
import { announceKeyChange, listKeys, rotateSigningKeys } from '../../src/core/keys/keys.ts';
import { addSeconds } from '../../src/kernel/time.ts';
import { assistApi, demoBasic, post } from '../provider/requests.ts';
import type { Answer } from './agent.ts';

/** A day of rotation in seconds: how long keys are kept, when the next one signs, and when the old one is gone. */
export const kept = 0.5;
const activates = 3;
const retiresAfter = 5;

export function askForToken(origin: string): Promise<Answer> {
  const form = { grant_type: 'client_credentials', resource: assistApi, scope: 'assist:read' };
  return post(origin, '/token', form, demoBasic('service'));
}

export function tokenOf(answer: Answer): string {
  return (answer.json() as { access_token: string }).access_token;
}

/** Undefined when there is no token in it. */
export function kidIn(answer: Answer): string | undefined {
  return answer.status === 200 ? decodeProtectedHeader(tokenOf(answer)).kid : undefined;
}

export async function currentKid({ db, now }: Context): Promise<string> {
  const keys = await listKeys(db, now());
  return keys.find(({ alg, state }) => alg === 'ES256' && state === 'current')?.kid ?? '';
}

/** A rotation as it is, but for its times: those of days become those of seconds. Answers the old kid and the new one. */
export async function rotateQuickly(
  ctx: Context,
  { retires = retiresAfter }: { readonly retires?: number } = {},
): Promise<readonly [before: string, after: string]> {
  const current = await currentKid(ctx);
  const [next] = await rotateSigningKeys(ctx, { alg: 'ES256' });
  const at = ctx.now();
  const change = (kid: string | undefined, times: { activateAt: Date } | { retireAt: Date }) =>
    ctx.db
      .updateTable('signingKeys')
      .set(times)
      .where('kid', '=', kid ?? '')
      .execute();
  await change(next?.kid, { activateAt: addSeconds(at, activates) });
  await change(current, { retireAt: addSeconds(at, retires) });
  await inTransaction(ctx, announceKeyChange);
  return [current, next?.kid ?? ''];
}
