import type { Context } from '../context.ts';
import type { Called } from './called.ts';
import type { Given } from './given.ts';

/** What a command has to say: to a person, and with `--json` to a program. */
export interface Answer {
  readonly text: string;
  /** Its members are there to stay: scripts read them. */
  readonly data: unknown;
  /** 0 where it is left out; 1 for work that was done in part, or whose answer is no. */
  readonly exitCode?: number;
}

export interface Command extends Called {
  /** Runs also with SECRET_KEYS that lack the key the service seals with: what it would seal, nobody could open. */
  readonly withAnyKeys?: true;
  /** Throws WrongUse for what cannot be meant, and what cannot be done. */
  run(ctx: Context, given: Given): Promise<Answer>;
}

/** One that has to work also when the settings are wrong, and reads them itself. Undefined when it goes on running. */
export interface LoneCommand extends Called {
  runAlone(given: Given): Promise<Answer | undefined>;
}

export type AnyCommand = Command | LoneCommand;

/** By their names; one whose name begins another's stands behind it. */
export type Commands = Readonly<Record<string, AnyCommand>>;
