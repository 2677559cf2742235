/** Somebody who verifies tokens by the published keys, keeps them for a while, and never asks sooner because of an unknown one. */
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';

export interface KeyHolder {
  /** Throws when the token does not verify by what is kept. Answers the key's name. */
  verify(token: string): Promise<string>;
  /** Every set of keys that was ever fetched, as it came. */
  readonly fetched: readonly JSONWebKeySet[];
}

/** Keeps keys for `seconds` by this clock. */
export function holdKeys(
  origin: string,
  { seconds, now }: { readonly seconds: number; readonly now: () => Date },
): KeyHolder {
  const fetched: JSONWebKeySet[] = [];
  let until = 0;
  let fetching: Promise<void> | undefined;
  const renew = async (): Promise<void> => {
    const asked = now().getTime();
    const answer = await fetch(`${origin}/jwks`);
    if (!answer.ok) throw new Error(`no keys: ${answer.status} ${await answer.text()}`);
    fetched.push((await answer.json()) as JSONWebKeySet);
    until = asked + seconds * 1000;
  };
  return {
    fetched,
    async verify(token) {
      if (now().getTime() >= until) await (fetching ??= renew().finally(() => (fetching = undefined)));
      await jwtVerify(token, createLocalJWKSet(fetched.at(-1) ?? { keys: [] }));
      return decodeProtectedHeader(token).kid ?? '';
    },
  };
}
