import { createInterface } from 'node:readline/promises';
import { type Given, WrongUse } from './given.ts';

/** Goes on when somebody says yes, on the terminal or with `--yes`. Throws when they do not, or nobody can be asked. */
export async function confirm(question: string, given: Given): Promise<void> {
  if (given.has('yes')) return;
  if (!process.stdin.isTTY) throw new WrongUse(`${question} Nobody can be asked here: say so with --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl+C and Ctrl+D reject, and say no
    const answer = await terminal.question(`${question} Type yes: `).catch(() => '');
    if (answer.trim().toLowerCase() !== 'yes') throw new Error('nothing was changed');
  } finally {
    terminal.close();
  }
}
