/** Which passwords are taken: long ones that are not guessed first, by NIST SP 800-63B §3.1.1.2. */
import { judgeByRules, wordsOf } from './guessable.ts';
import { createThread } from '../../thread.ts';
import type { Strength, StrengthQuestion } from './strength-thread.ts';

/** What an attacker would try first for this person: their names, their address, their account, the products. */
export interface PasswordContext {
  /** As they are written; they are taken apart here. */
  readonly words: readonly string[];
}

export type PasswordProblem = 'too_short' | 'too_long' | 'too_common' | 'too_personal';

/** In code points, after NFC. */
const shortest = 15;
const longest = 256;

/** Ten thousand million: at the pace the throttle leaves to guessers never, and years for whoever steals the hash. */
const fewestGuessesLog10 = 10;

const strength = createThread<StrengthQuestion, Strength>(new URL('./strength-thread.ts', import.meta.url), {
  deadlineMs: 10_000,
  idleMs: 60_000,
  memoryMb: 256,
});

/**
 * What is wrong with a password that somebody wants to set; undefined when it will do. Judged in a thread of its own,
 * which knows the common and breached passwords; where that fails, by the simple rules alone and with a warning of the
 * process. `estimate` is there for whoever has to see that happen.
 */
export async function judgePassword(
  password: string,
  context: PasswordContext,
  estimate: (question: StrengthQuestion) => Promise<Strength> = strength.ask,
): Promise<PasswordProblem | undefined> {
  const text = password.normalize('NFC');
  const length = Array.from(text).length;
  if (length < shortest) return 'too_short';
  if (length > longest) return 'too_long';
  const words = wordsOf(context.words);
  const problem = judgeByRules(text, words);
  if (problem) return problem;
  try {
    const { guessesLog10, isPersonal } = await estimate({ password: text, words });
    if (guessesLog10 >= fewestGuessesLog10) return undefined;
    return isPersonal ? 'too_personal' : 'too_common';
  } catch (error) {
    const type = 'PasswordPolicyWarning';
    process.emitWarning(`a password was judged by the simple rules alone: ${String(error)}`, type);
    return undefined;
  }
}
