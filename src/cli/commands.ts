/** The table of commands: what the shell runs, its help shows and docs/commands.md lists. */
import { accountCommands } from './account.ts';
import { auditCommands } from './audit.ts';
import { clientCommands } from './client.ts';
import { checkup } from './checkup.ts';
import type { AnyCommand, Command, Commands } from './command.ts';
import { connectionCommands } from './connection.ts';
import { doctorCommands } from './doctor.ts';
import { domainCommands } from './domain.ts';
import { identityCommands } from './identity.ts';
import { importCommand } from './import.ts';
import { invite } from './invite.ts';
import { keyCommands } from './keys.ts';
import { ringCommands } from './key-rings.ts';
import { migrate } from './migrate.ts';
import { outboxCommands } from './outbox.ts';
import { productCommands } from './product.ts';
import { pruneCommand } from './prune.ts';
import { seed } from './seed.ts';
import { serve } from './serve.ts';
import { userCommands } from './user.ts';

/** All that answer something do so as JSON, too. */
function withJson(commands: Readonly<Record<string, Command>>): Record<string, AnyCommand> {
  return Object.fromEntries(
    Object.entries(commands).map(([name, command]) => [
      name,
      { ...command, flags: [...(command.flags ?? []), 'json'] },
    ]),
  );
}

/** The first whose name fits is run: a longer name stands before its beginning. */
export const commands: Commands = {
  serve,
  ...withJson({
    migrate,
    seed,
    ...productCommands,
    ...clientCommands,
    ...accountCommands,
    ...userCommands,
    invite,
    import: importCommand,
    ...domainCommands,
    ...connectionCommands,
    ...identityCommands,
    ...keyCommands,
    ...ringCommands,
    ...auditCommands,
    ...outboxCommands,
    prune: pruneCommand,
    ...doctorCommands,
  }),
  doctor: checkup,
};

/** The command that the words begin with. */
export function findCommand(
  words: readonly string[],
): readonly [name: string, command: AnyCommand] | undefined {
  return Object.entries(commands).find(([name]) => `${words.join(' ')} `.startsWith(`${name} `));
}
