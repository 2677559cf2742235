/** What a run is asked for, and how much of everything that means. */
import { parseArgs } from 'node:util';

export interface Options {
  /** Of scenarios; all when there is none. */
  readonly names: readonly string[];
  /** How many people the large database has; growth is not measured with fewer than ten thousand. */
  readonly users: number;
  readonly smoke: boolean;
  /** Where the report goes. */
  readonly out: string | undefined;
  /** The folder of Keycloak's distribution, and Hydra's program: where they are, they are measured beside. */
  readonly keycloak: string | undefined;
  readonly hydra: string | undefined;
}

export interface Amounts {
  readonly warmUpMs: number;
  readonly rounds: number;
  readonly sliceMs: number;
  /** Of the open loop, by round. */
  readonly openMs: number;
  /** Flows one after another, for what each does to the database. */
  readonly alone: number;
}

/** How many people an ordinary database has. */
export const fewUsers = 1000;

/** Throws, saying what would be right, on anything it does not know. */
export function parseOptions(args: readonly string[], known: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      users: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      out: { type: 'string' },
      keycloak: { type: 'string' },
      hydra: { type: 'string' },
    },
  });
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`there is no scenario ${unknown.join(', ')}; there are ${known.join(', ')}`);
  const isWhole = positionals.length === 0 && !values.smoke;
  const users = Number(values.users ?? (isWhole ? 1e6 : fewUsers));
  if (!Number.isInteger(users) || users < fewUsers || users > 1e8)
    throw new Error(`--users must be a whole number from ${fewUsers} to 1e8`);
  // part of a report would replace the whole one
  const out = values.out ?? (isWhole ? 'docs/performance' : undefined);
  const { smoke, keycloak, hydra } = values;
  return { names: positionals, users, smoke, out, keycloak, hydra };
}

export function amountsOf({ smoke }: Pick<Options, 'smoke'>): Amounts {
  return smoke
    ? { warmUpMs: 100, rounds: 1, sliceMs: 150, openMs: 200, alone: 5 }
    : { warmUpMs: 5000, rounds: 9, sliceMs: 1000, openMs: 1000, alone: 100 };
}
