/** What the rehearsal identity providers remember: in the process, for a while, and never more than so much. */
import type { Clock } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';

export interface Memory<Value> {
  /** Answers the secret under which it is found again. */
  put(value: Value): string;
  find(token: string): Value | undefined;
  /** Finds it once. */
  take(token: string): Value | undefined;
}

export function createMemory<Value>(now: Clock, { seconds }: { readonly seconds: number }): Memory<Value> {
  const kept = new Map<string, { readonly value: Value; readonly until: number }>();
  const find = (token: string): Value | undefined => {
    const entry = kept.get(token);
    return entry && entry.until > now().getTime() ? entry.value : undefined;
  };
  return {
    find,
    put(value) {
      const { token } = newToken();
      kept.set(token, { value, until: now().getTime() + seconds * 1000 });
      const [oldest] = kept.keys();
      if (kept.size > mostEntries && oldest !== undefined) kept.delete(oldest);
      return token;
    },
    take(token) {
      const value = find(token);
      kept.delete(token);
      return value;
    },
  };
}

const mostEntries = 1000;
