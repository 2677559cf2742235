import type { Payload } from './copy-json.ts';
import type { Unit } from './unit-of-work.ts';

/** How one kind of thing is kept. A store that leaves an operation out has no use for it. */
export interface Store {
  find(unit: Unit, id: string): Promise<Payload | undefined>;
  findByUid?(unit: Unit, uid: string): Promise<Payload | undefined>;
  upsert?(unit: Unit, id: string, entry: Entry): Promise<void> | void;
  consume?(unit: Unit, id: string): void;
  destroy?(unit: Unit, id: string): Promise<void> | void;
}

export interface Entry {
  readonly payload: Payload;
  readonly expiresAt: Date;
}
