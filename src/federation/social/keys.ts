/**
 * The keys of the providers, kept for five minutes. Public, small and the same for everybody: each process keeps its own,
 * and has as many as there are providers.
 */
import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from 'jose';
import type { Context } from '../../context.ts';
import { minute } from '../../kernel/time.ts';
import { type Keys, readKeys } from '../oidc/documents.ts';
import { fetchDocument } from '../oidc/published.ts';

const kept = new Map<string, { readonly keys: Keys; readonly at: number }>();
const freshSeconds = 5 * minute;
/** Whoever invents key ids must not make us ask for them each time. */
const restSeconds = minute;

/** Finds the key of a token, and asks once more for one that is not known: the provider may have a new one. */
export function keysAt(
  ctx: Context,
  address: string,
  mayUse: (key: JWK) => boolean = () => true,
): JWTVerifyGetKey {
  const find = async (maxAge: number, ...of: Parameters<JWTVerifyGetKey>): Promise<CryptoKey> => {
    const { keys } = await keysOf(ctx, address, maxAge);
    return createLocalJWKSet({ keys: keys.filter(mayUse) })(...of);
  };
  return async (...of) => {
    try {
      return await find(freshSeconds, ...of);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return find(restSeconds, ...of);
    }
  };
}

async function keysOf(ctx: Context, address: string, maxAge: number): Promise<Keys> {
  const now = ctx.now().getTime() / 1000;
  const known = kept.get(address);
  if (known && now - known.at < maxAge) return known.keys;
  const keys = readKeys(await fetchDocument(ctx, address));
  kept.set(address, { keys, at: now });
  return keys;
}
