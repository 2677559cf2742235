import type { Command, LoneCommand } from './command.ts';

type AnyCommand = Command | LoneCommand;

const width = 34;
const settings = 'The settings are those of the service: see docs/configuration.md.';

export function helpOfAll(commands: Readonly<Record<string, AnyCommand>>): string {
  const lines = Object.values(commands).map(({ usage, about }) =>
    usage.length > width
      ? `  doorward ${usage}\n${' '.repeat(width + 12)}${about}`
      : `  doorward ${usage.padEnd(width)} ${about}`,
  );
  return `Usage:\n${lines.join('\n')}\n\ndoorward <command> --help says more. ${settings}\n`;
}

export function helpOf({ usage, about, example }: AnyCommand): string {
  const lines = [`Usage: doorward ${usage}`, '', about, ...(example ? ['', `  doorward ${example}`] : [])];
  return `${lines.join('\n')}\n\n${settings}\n`;
}
