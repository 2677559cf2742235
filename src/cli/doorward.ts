#!/usr/bin/env node
/** doorward <command>: what an operator does from a shell. Reads the same settings as the service. */
import { pino } from 'pino';
import { loadConfig } from '../../config/load.ts';
import { openCommandContext } from './context.ts';
import type { Command } from './command.ts';
import { connectionCommands } from './connection.ts';
import { createOperator } from './create-operator.ts';
import { domainCommands } from './domain.ts';
import { identityCommands } from './identity.ts';
import { invite } from './invite.ts';
import { migrate } from './migrate.ts';
import { seed } from './seed.ts';

const commands: Readonly<Record<string, Command>> = {
  migrate,
  seed,
  'client create-operator': createOperator,
  invite,
  ...domainCommands,
  ...connectionCommands,
  ...identityCommands,
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
      process.stdout.write(`${await command.run(context, words.slice(name.split(' ').length))}\n`);
      return 0;
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
