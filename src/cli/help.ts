/** What a person is told of the commands. */
import type { Called } from './called.ts';
import type { Commands } from './command.ts';

const settings = 'The settings are those of the service: see docs/configuration.md.';

/** `account list [--limit <n>] [--json]` */
export function usageOf(name: string, { words, options = {}, required = [], flags = [] }: Called): string {
  const ofOptions = Object.entries(options).map(([option, value]) => {
    const text = `--${option} ${value}`;
    return required.includes(option) ? text : `[${text}]`;
  });
  return [name, words, ...ofOptions, ...flags.map((flag) => `[--${flag}]`)].filter(Boolean).join(' ');
}

export function helpOfAll(commands: Commands): string {
  const width = Math.max(...Object.keys(commands).map(({ length }) => length));
  const lines = Object.entries(commands).map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`);
  const more = '`doorward <command> --help` says more; docs/commands.md has all of it.';
  return ['Usage: doorward <command>', '', ...lines, '', more, settings, ''].join('\n');
}

export function exitCodesOf({ endsWith1 }: Pick<Called, 'endsWith1'>): string {
  return `0 done; 1 it failed or was refused${endsWith1 === undefined ? '' : `, also ${endsWith1}`}; 2 wrong use`;
}

export function helpOf(name: string, called: Called): string {
  const { about, example } = called;
  return [
    `Usage: doorward ${usageOf(name, called)}`,
    '',
    about,
    '',
    'Example:',
    `  doorward ${example}`,
    '',
    `Exit codes: ${exitCodesOf(called)}.`,
    settings,
    '',
  ].join('\n');
}
