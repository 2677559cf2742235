import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

/** What was typed after the name of a command. */
export interface Given {
  readonly words: readonly string[];
  /** The values of an option, in their order; none when it was left out. */
  many(option: string): readonly string[];
  /** The only value of an option. Throws when there are several. */
  one(option: string): string | undefined;
  /** Whether a flag was given: an option without a value. */
  has(flag: string): boolean;
}

/** Throws for an option or a flag that is not among these. */
export function readGiven(
  args: readonly string[],
  options: readonly string[],
  flags: readonly string[] = [],
): Given {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...Object.fromEntries(options.map((name) => [name, { type: 'string', multiple: true }] as const)),
      ...Object.fromEntries(flags.map((name) => [name, { type: 'boolean' }] as const)),
    },
  });
  const given = new Map<string, unknown>(Object.entries(values));
  const many = (option: string): readonly string[] => (given.get(option) as string[] | undefined) ?? [];
  return {
    words: positionals,
    many,
    one(option) {
      const [value, second] = many(option);
      if (second !== undefined) throw new Error(`--${option} is given twice`);
      return value;
    },
    has: (flag) => given.get(flag) === true,
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
