import type pg from 'pg';

/** A peer that is gone without a word is noticed within twenty seconds: Node.js asks ten more times, once a second. */
export const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const;

/** Ends a connection without a farewell, which on a wire that swallows everything would be waited for without end. */
export function cutOff(client: pg.ClientBase): void {
  // pg's own pool does it so; there is no public way
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
