/**
 * How the hash of a seal comes about: SHA-256 over the hash of the seal before, every event it covers as a line, in the
 * order of their ids, and what the seal says of itself as the last line. Whoever changes an event has to make its seal
 * anew, and every seal after it.
 */
import { createHash } from 'node:crypto';

/** An event as text: its columns in one order, as PostgreSQL writes them; what is null stays null. */
export type EventText = readonly (string | null)[];

export interface Seal {
  readonly number: number;
  /** Covers every event up to this id that the seal before does not. */
  readonly upToId: string;
  readonly eventCount: number;
  readonly lastEventId: string | null;
  readonly sealedAt: Date;
  readonly hash: Buffer;
}

export interface SealHash {
  add(event: EventText): void;
  /** Ends it; may be called once. */
  finish(seal: Omit<Seal, 'hash'>): Buffer;
}

/** Begins where the seal before has ended; the first one begins with nothing. */
export function startSealHash(before: Pick<Seal, 'hash'> | undefined): SealHash {
  const hash = createHash('sha256').update(before?.hash ?? Buffer.alloc(32));
  // JSON has no line break of its own, so that no two lists of events are one text
  const line = (members: readonly (string | number | null)[]) => hash.update(`${JSON.stringify(members)}\n`);
  return {
    add: (event) => void line(event),
    finish: ({ number, upToId, eventCount, lastEventId, sealedAt }) =>
      line([number, upToId, eventCount, lastEventId, sealedAt.toISOString()]).digest(),
  };
}
