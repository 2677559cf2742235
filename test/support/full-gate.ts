/** A gate that nobody more can wait at: more passwords to hash than there is room for, and none of them gets on. */
import type { Test } from 'tap';
import type { Gate } from '../../src/kernel/gate.ts';

/** Takes every place there is to hash and to wait; answers what gives them back. */
export function fillGate(t: Test, gate: Gate): () => Promise<void> {
  let open = (): void => {};
  const blocked = new Promise<void>((resolve) => (open = resolve));
  const busy = Promise.allSettled(Array.from({ length: 500 }, () => gate.run(() => blocked)));
  const giveBack = async (): Promise<void> => {
    open();
    await busy;
  };
  t.teardown(giveBack);
  return giveBack;
}
