/** The thread that verifies imported bcrypt hashes: in JavaScript, and half a second of work each. */
import { compare } from 'bcryptjs';
import { answerQuestions } from '../../thread.ts';

export interface BcryptQuestion {
  readonly password: string;
  readonly hash: string;
}

answerQuestions(({ password, hash }: BcryptQuestion): Promise<boolean> => compare(password, hash));
