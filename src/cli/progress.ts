/** How far long work is, on stderr: every second, on one line of a terminal; elsewhere only where `--progress` asks for it. */
import type { Given } from './given.ts';

/** Says where the work stands; as often as the work likes. */
export type Say = (where: string) => void;

/** Runs the work. Whatever it has said is shown at its end, too, also when it fails: where it stood says why. */
export async function withProgress<Result>(
  given: Given,
  work: (say: Say) => Promise<Result>,
): Promise<Result> {
  const isTerminal = process.stderr.isTTY;
  // a program that reads the answer may well show this terminal something of its own
  if (!given.has('progress') && (!isTerminal || given.has('json'))) return work(() => {});
  const began = performance.now();
  let stands = '';
  const show = (): void => {
    if (stands === '') return;
    const line = `${stands}, ${Math.round((performance.now() - began) / 1000)} s`;
    process.stderr.write(isTerminal ? `\r\u001b[K${line}` : `${line}\n`);
  };
  const timer = setInterval(show, 1000);
  try {
    return await work((where) => {
      stands = where;
    });
  } finally {
    clearInterval(timer);
    show();
    if (isTerminal && stands !== '') process.stderr.write('\n');
  }
}
