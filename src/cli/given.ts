import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

/** What was typed after the name of a command. */
export interface Given {
  readonly words: readonly string[];
  /** The values of an option, in their order; none when it was left out. */
  many(option: string): readonly string[];
  /** The only value of an option. Throws when there are several. */
  one(option: string): string | undefined;
}

/** Throws for an option that is not among these. */
export function readGiven(args: readonly string[], options: readonly string[]): Given {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: Object.fromEntries(options.map((name) => [name, { type: 'string', multiple: true }] as const)),
  });
  const many = (option: string): readonly string[] => values[option] ?? [];
  return {
    words: positionals,
    many,
    one(option) {
      const [value, second] = many(option);
      if (second !== undefined) throw new Error(`--${option} is given twice`);
      return value;
    },
  };
}

/** A file as text, without the end of its last line, which no secret has. */
export async function readTextFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error(`${path} cannot be read`);
  });
  return text.replace(/\r?\n$/, '');
}

export async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readTextFile(path)) as unknown;
  } catch (error) {
    throw error instanceof SyntaxError ? new Error(`${path} is not JSON`) : error;
  }
}
