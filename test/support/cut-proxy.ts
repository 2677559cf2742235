/** A wire that can be cut: a TCP proxy before any server, which loses an answer at the moment that is asked for. */
import type { Test } from 'tap';
import { startRelay, type Target } from './relay.ts';

export interface CutProxy {
  readonly port: number;
  /** The next time something like this is sent, it arrives, and its answer does not: both ends are cut off. */
  cutAfter(sent: string | RegExp): void;
  /** How often that was. */
  readonly cuts: number;
  /** What nobody has got of the last answer that was cut off: its first piece. */
  readonly lost: string;
}

export async function startCutProxy(t: Test, target: Target): Promise<CutProxy> {
  let pending: string | RegExp | undefined;
  let [cuts, lost] = [0, ''];
  const { port } = await startRelay(t, {
    target: () => target,
    join(near, far) {
      let isLost = false;
      near.on('data', (bytes) => {
        const text = bytes.toString('latin1');
        if (
          pending !== undefined &&
          (typeof pending === 'string' ? text.includes(pending) : pending.test(text))
        ) {
          pending = undefined;
          isLost = true;
          cuts += 1;
        }
        far.write(bytes);
      });
      far.on('data', (bytes) => {
        if (isLost) {
          lost = bytes.toString();
          far.destroy();
        } else near.write(bytes);
      });
    },
  });
  return {
    port,
    cutAfter: (sent) => {
      pending = sent;
    },
    get cuts() {
      return cuts;
    },
    get lost() {
      return lost;
    },
  };
}
