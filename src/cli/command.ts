import type { CommandContext } from './context.ts';

/** For a command whose work may be done in part. */
export interface Printed {
  readonly text: string;
  readonly exitCode: number;
}

export interface Command {
  readonly usage: string;
  readonly about: string;
  /** Answers what is printed. Throws when the arguments are not right. */
  run(context: CommandContext, args: readonly string[]): Promise<string | Printed>;
}
