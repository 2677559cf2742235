#!/usr/bin/env node
/** doorward <command>: what an operator does from a shell. Reads the same settings as the service. */
import { pino } from 'pino';
import { loadConfig } from '../../config/load.ts';
import { auditCommands } from './audit.ts';
import { openCommandContext } from './context.ts';
import type { Command } from './command.ts';
import { connectionCommands } from './connection.ts';
import { createOperator } from './create-operator.ts';
import { doctorCommands } from './doctor.ts';
import { domainCommands } from './domain.ts';
import { identityCommands } from './identity.ts';
import { importCommand } from './import.ts';
import { invite } from './invite.ts';
import { keyCommands } from './keys.ts';
import { migrate } from './migrate.ts';
import { seed } from './seed.ts';

const commands: Readonly<Record<string, Command>> = {
  migrate,
  seed,
  'client create-operator': createOperator,
  invite,
  import: importCommand,
  ...domainCommands,
  ...connectionCommands,
  ...identityCommands,
  ...keyCommands,
  ...auditCommands,
  ...doctorCommands,
};

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  const name = Object.keys(commands).find((candidate) => `${words.join(' ')} `.startsWith(`${candidate} `));
  const command = name === undefined ? undefined : commands[name];
  if (name === undefined || !command || words.includes('--help')) {
    process.stdout.write(help());
    return words.length === 0 || words.includes('--help') ? 0 : 2;
  }
  try {
    const context = await openCommandContext(loadConfig(), pino({ level: 'warn' }, process.stderr));
    try {
      const answer = await command.run(context, words.slice(name.split(' ').length));
      const { text, exitCode } = typeof answer === 'string' ? { text: answer, exitCode: 0 } : answer;
      process.stdout.write(`${text}\n`);
      return exitCode;
    } finally {
      await context.close();
    }
  } catch (error) {
    process.stderr.write(`doorward: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function help(): string {
  const lines = Object.values(commands).map(({ usage, about }) => `  doorward ${usage.padEnd(34)} ${about}`);
  return `Usage:\n${lines.join('\n')}\n\nThe settings are those of the service: see docs/configuration.md.\n`;
}
