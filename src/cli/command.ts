import type { CommandContext } from './context.ts';

/** For a command whose work may be done in part. */
export interface Printed {
  readonly text: string;
  readonly exitCode: number;
}

interface Described {
  readonly usage: string;
  readonly about: string;
  /** One line that does something, for `--help` behind the command. */
  readonly example?: string;
}

export interface Command extends Described {
  /** Answers what is printed. Throws when the arguments are not right. */
  run(context: CommandContext, args: readonly string[]): Promise<string | Printed>;
}

/** One that has to work also when the settings are wrong, and reads them itself. */
export interface LoneCommand extends Described {
  runAlone(args: readonly string[]): Promise<string | Printed>;
}
