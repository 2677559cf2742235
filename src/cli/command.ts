import type { CommandContext } from './context.ts';

export interface Command {
  readonly usage: string;
  readonly about: string;
  /** Answers what is printed. Throws when the arguments are not right. */
  run(context: CommandContext, args: readonly string[]): Promise<string>;
}
