import { readFile } from 'node:fs/promises';
import { type EmailAddress, parseEmail } from '../kernel/email-address.ts';
import type { Called } from './called.ts';

/** The command was not called as it can be: exit code 2. */
export class WrongUse extends Error {}

/** What was typed after the name of a command. */
export interface Given {
  readonly words: readonly string[];
  /** The values of an option, in their order; none when it was left out. */
  many(option: string): readonly string[];
  /** The only value of an option. */
  one(option: string): string | undefined;
  /** Whether a flag was given: an option without a value. */
  has(flag: string): boolean;
}

/** Throws WrongUse for what the command is not called with. A word may begin with one dash, as key ids do. */
export function readGiven(args: readonly string[], called: Called): Given {
  const { options = {}, required = [], flags = [] } = called;
  const words: string[] = [];
  const values = new Map<string, string[]>();
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (!arg.startsWith('--')) words.push(arg);
    else if (arg === '--') words.push(...left.splice(0));
    else if (flags.includes(arg.slice(2))) values.set(arg.slice(2), []);
    else {
      const [, name = '', attached] = /^--([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
      if (!Object.hasOwn(options, name)) throw new WrongUse(`there is no ${arg} here`);
      const value = attached ?? left.shift();
      if (value === undefined) throw new WrongUse(`--${name} has no value`);
      values.set(name, [...(values.get(name) ?? []), value]);
    }
  }
  for (const [name, { length }] of values)
    if (length > 1 && !options[name]?.endsWith('…')) throw new WrongUse(`--${name} is given twice`);
  for (const name of required) if (!values.has(name)) throw new WrongUse(`--${name} is missing`);
  checkWords(words, called.words ?? '');
  return {
    words,
    many: (option) => values.get(option) ?? [],
    one: (option) => values.get(option)?.[0],
    has: (flag) => values.has(flag),
  };
}

function checkWords({ length }: readonly string[], shape: string): void {
  const names = shape.split(' ').filter(Boolean);
  const least = names.filter((name) => !name.startsWith('[')).length;
  const most = shape.includes('…') ? Infinity : names.length;
  if (length < least) throw new WrongUse(`${names[length] ?? ''} is missing`);
  if (length > most) throw new WrongUse('there is a word too many');
}

/** Of `--limit`; 50 where it is left out. */
export function limitOf(given: Given): number {
  return numberOf(given, 'limit', { from: 1, to: 99_999 }) ?? 50;
}

export function numberOf(
  given: Given,
  option: string,
  { from, to }: { readonly from: number; readonly to: number },
): number | undefined {
  const text = given.one(option);
  if (text === undefined) return undefined;
  const number = /^-?\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (number >= from && number <= to) return number;
  throw new WrongUse(`--${option} must be a number from ${from} to ${to}`);
}

/** The value of an option that is one of these; undefined when it was left out. */
export function choiceOf<Choice extends string>(
  given: Given,
  option: string,
  choices: readonly Choice[],
): Choice | undefined {
  return choicesOf(given, option, choices)[0];
}

/** The values of an option that may be given again, each of which is one of these; each once. */
export function choicesOf<Choice extends string>(
  given: Given,
  option: string,
  choices: readonly Choice[],
): readonly Choice[] {
  const isChoice = (text: string): text is Choice => (choices as readonly string[]).includes(text);
  const texts = [...new Set(given.many(option))];
  if (!texts.every(isChoice)) throw new WrongUse(`--${option} must be one of ${choices.join(', ')}`);
  return texts;
}

/** Each once; none where the only value is empty; undefined when the option was left out. */
export function listOf(given: Given, option: string): readonly string[] | undefined {
  const values = given.many(option);
  return values.length === 0 ? undefined : [...new Set(values)].filter((value) => value !== '');
}

/** Null where the value is empty; undefined when the option was left out. */
export function valueOf(given: Given, option: string): string | null | undefined {
  return given.one(option) === '' ? null : given.one(option);
}

/** Only what is there: undefined would be taken for a change. */
export function withoutUndefined<Members extends object>(
  members: Members,
): {
  [Name in keyof Members]?: Exclude<Members[Name], undefined>;
} {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as { [Name in keyof Members]?: Exclude<Members[Name], undefined> };
}

/** What something is called, as the admin interface takes it. */
export function readName(text = ''): string {
  const name = text.trim();
  if (name === '' || name.length > 200 || /[\p{Cc}\p{Cs}]/u.test(name))
    throw new WrongUse('a name has 1 to 200 characters');
  return name;
}

/** A stable short name, as the admin interface takes it. */
export function readSlug(text = ''): string {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(text))
    throw new WrongUse('a slug has lower-case letters, digits and dashes, 63 at most');
  return text;
}

export function readEmail(text = ''): EmailAddress {
  const email = parseEmail(text);
  if (!email) throw new WrongUse(`${text} is not an email address`);
  return email;
}

/** A file as text, without the end of its last line, which no secret has. */
export async function readTextFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new WrongUse(`${path} cannot be read`);
  });
  return text.replace(/\r?\n$/, '');
}

export async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readTextFile(path)) as unknown;
  } catch (error) {
    throw error instanceof SyntaxError ? new WrongUse(`${path} is not JSON`) : error;
  }
}
