#!/usr/bin/env node
/** doorward <command>: what an operator does from a shell. Reads the same settings as the service. */
import { pino } from 'pino';
import { loadConfig } from '../../config/load.ts';
import { Failure } from '../kernel/failures.ts';
import type { Answer, AnyCommand, Command } from './command.ts';
import { commands, findCommand } from './commands.ts';
import { openCommandContext, withServiceKeys } from './context.ts';
import { textOf } from './failure-text.ts';
import { type Given, readGiven, WrongUse } from './given.ts';
import { helpOf, helpOfAll, usageOf } from './help.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  const [name, command] = findCommand(words) ?? [];
  const asksForHelp = words.includes('--help');
  if (name === undefined || !command) {
    process.stdout.write(helpOfAll(commandsBelow(words)));
    return words.length === 0 || asksForHelp ? 0 : 2;
  }
  if (asksForHelp) {
    process.stdout.write(helpOf(name, command));
    return 0;
  }
  try {
    const given = readGiven(words.slice(name.split(' ').length), command);
    return print(await answerOf(command, given), given);
  } catch (error) {
    const usage = error instanceof WrongUse ? `\nUsage: doorward ${usageOf(name, command)}` : '';
    process.stderr.write(`doorward: ${reasonOf(error)}${usage}\n`);
    return error instanceof WrongUse ? 2 : 1;
  }
}

/** Those of a noun, when the words begin with one; all otherwise. */
function commandsBelow([noun = '']: readonly string[]): typeof commands {
  const ofNoun = Object.entries(commands).filter(([name]) => name.startsWith(`${noun} `));
  return ofNoun.length > 0 ? Object.fromEntries(ofNoun) : commands;
}

async function answerOf(command: AnyCommand, given: Given): Promise<Answer | undefined> {
  return 'runAlone' in command ? command.runAlone(given) : runOnDatabase(command, given);
}

async function runOnDatabase(command: Command, given: Given): Promise<Answer> {
  const { ctx, close } = await openCommandContext(loadConfig(), pino({ level: 'warn' }, process.stderr));
  try {
    return await command.run(command.withAnyKeys ? ctx : await withServiceKeys(ctx), given);
  } finally {
    await close();
  }
}

function print(answer: Answer | undefined, given: Given): number {
  if (!answer) return 0;
  const { text, data, exitCode = 0 } = answer;
  const isData = given.has('json') && data !== undefined;
  process.stdout.write(`${isData ? JSON.stringify(data, undefined, 2) : text}\n`);
  return exitCode;
}

/** Never the stack: what went wrong is said in a sentence, or at least by its code. */
function reasonOf(error: unknown): string {
  if (error instanceof Failure) return textOf(error);
  if (!(error instanceof Error)) return String(error);
  const { message, code, name } = error as Error & { code?: string };
  return message || (code ?? name);
}
