// stand-in while the real one is being written
import { Agent, fetch } from 'undici';
export type SafeFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;
export function createSafeFetch(_o: { allowLoopbackAndHttp: boolean }): {
  fetch: SafeFetch;
  close(): Promise<void>;
} {
  const agent = new Agent();
  return {
    fetch: ((url: string, { dispatcher: _d, ...init }: Record<string, unknown> = {}) =>
      fetch(url, { ...init, dispatcher: agent, redirect: 'manual' })) as unknown as SafeFetch,
    close: () => agent.close(),
  };
}
