/** The thread that estimates passwords: its dictionaries take a second to load and 58 MB to keep. */
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { answerQuestions } from '../../thread.ts';

export interface StrengthQuestion {
  readonly password: string;
  /** Lower case: what an attacker knows of this person. */
  readonly words: readonly string[];
}

export interface Strength {
  /** How many guesses of a good guesser it takes, as a power of ten. */
  readonly guessesLog10: number;
  /** One of the words is part of the cheapest way to guess it. */
  readonly isPersonal: boolean;
}

const estimator = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });

answerQuestions(({ password, words }: StrengthQuestion): Strength => {
  const { guessesLog10, sequence } = estimator.check(password, [...words]);
  return { guessesLog10, isPersonal: sequence.some((match) => match.dictionaryName === 'userInputs') };
});
