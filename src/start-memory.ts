/** What the start has used and nobody needs any more. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type CollectGarbage = (options: { flavor: 'last-resort' }) => void;

/**
 * Gives it back to the system: loading the modules leaves V8 with room for 64 MiB of new objects, which it keeps for as
 * long as nobody asks for much. A tenth of a second, so before anybody is served; under load the room grows again.
 */
export function giveBackStartMemory(): void {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as CollectGarbage;
  collectGarbage({ flavor: 'last-resort' });
}
