#!/usr/bin/env node
/** doorward <command>: what an operator does from a shell. Reads the same settings as the service. */
import { pino } from 'pino';
import { loadConfig } from '../../config/load.ts';
import { accountCommands } from './account.ts';
import { auditCommands } from './audit.ts';
import { checkup } from './checkup.ts';
import type { Command, LoneCommand, Printed } from './command.ts';
import { connectionCommands } from './connection.ts';
import { openCommandContext } from './context.ts';
import { createOperator } from './create-operator.ts';
import { doctorCommands } from './doctor.ts';
import { domainCommands } from './domain.ts';
import { helpOf, helpOfAll } from './help.ts';
import { identityCommands } from './identity.ts';
import { importCommand } from './import.ts';
import { invite } from './invite.ts';
import { keyCommands } from './keys.ts';
import { migrate } from './migrate.ts';
import { outboxCommands } from './outbox.ts';
import { pruneCommand } from './prune.ts';
import { seed } from './seed.ts';
import { userCommands } from './user.ts';

/** The first whose name fits is run: a longer name stands before its beginning. */
const commands: Readonly<Record<string, Command | LoneCommand>> = {
  migrate,
  seed,
  'client create-operator': createOperator,
  invite,
  import: importCommand,
  ...accountCommands,
  ...userCommands,
  ...domainCommands,
  ...connectionCommands,
  ...identityCommands,
  ...keyCommands,
  ...auditCommands,
  ...outboxCommands,
  prune: pruneCommand,
  ...doctorCommands,
  doctor: checkup,
};

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  const name = Object.keys(commands).find((candidate) => `${words.join(' ')} `.startsWith(`${candidate} `));
  const command = name === undefined ? undefined : commands[name];
  if (name === undefined || !command || words.includes('--help')) {
    process.stdout.write(command ? helpOf(command) : helpOfAll(commands));
    return words.length === 0 || words.includes('--help') ? 0 : 2;
  }
  try {
    const args = words.slice(name.split(' ').length);
    const answer = await ('runAlone' in command ? command.runAlone(args) : runOnDatabase(command, args));
    const { text, exitCode } = typeof answer === 'string' ? { text: answer, exitCode: 0 } : answer;
    process.stdout.write(`${text}\n`);
    return exitCode;
  } catch (error) {
    process.stderr.write(`doorward: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function runOnDatabase(command: Command, args: readonly string[]): Promise<string | Printed> {
  const context = await openCommandContext(loadConfig(), pino({ level: 'warn' }, process.stderr));
  try {
    return await command.run(context, args);
  } finally {
    await context.close();
  }
}
