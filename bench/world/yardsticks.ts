/** The yardsticks, each a process of its own, with people who are signed in there as well. */
import { freePort } from '../../test/support/app.ts';
import { authorizePath, exchange, signIn } from '../drive/flows.ts';
import { Jar } from '../drive/jar.ts';
import { endpoints, issuer, type People, type Target } from '../drive/target.ts';
import { memberOf, Wire } from '../drive/wire.ts';
import { type Served, serve, type Serving } from './process.ts';
import { emailOf } from './seed.ts';

export interface Yardstick {
  readonly served: Served;
  readonly target: Target;
  close(): Promise<void>;
}

/** What a proxy in front of the engine would say; the service needs nobody to say it. */
export const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': new URL(issuer).host };

interface EngineOptions {
  /** How many are signed in before anybody asks; there is no seeding it from outside. */
  readonly people: number;
  readonly databaseUrl?: string;
}

/** The bare engine; with a database, on the naive adapter. */
export async function startEngine({ people, databaseUrl }: EngineOptions): Promise<Yardstick> {
  const env = databaseUrl === undefined ? {} : { ADAPTER: 'naive', DATABASE_URL: databaseUrl };
  const yardstick = await start('bench/yardsticks/engine.ts', { readyPath: '/jwks', env, people });
  await signEverybodyIn(yardstick.target);
  return yardstick;
}

/** A trivial route, signing alone, hashing alone. */
export function startPlain(): Promise<Yardstick> {
  return start('bench/yardsticks/plain.ts', { readyPath: '/ready', env: {}, people: 0 });
}

async function start(
  file: string,
  { people, ...how }: Pick<Serving, 'readyPath' | 'env'> & { readonly people: number },
): Promise<Yardstick> {
  const served = await serve({ command: [process.execPath, file], port: await freePort(), ...how });
  const wire = new Wire(served.origin);
  const target = { wire, headers, endpoints, people: keptPeople(people) };
  return {
    served,
    target,
    close: async () => {
      await wire.close();
      await served.stop();
    },
  };
}

/** Who is signed in is known to whoever signs them in. */
export function keptPeople(count: number): People & { readonly kept: Map<number, Kept> } {
  const kept = new Map<number, Kept>();
  const get = (person: number): Kept => {
    const found = kept.get(person);
    if (!found) throw new Error(`person ${person} is not signed in`);
    return found;
  };
  return {
    kept,
    count,
    email: emailOf,
    browser: (person) => get(person).jar,
    refreshToken: (person) => get(person).refreshToken,
    keepRefreshToken: (person, refreshToken) => void kept.set(person, { ...get(person), refreshToken }),
    accessToken: (person) => get(person).accessToken,
  };
}

interface Kept {
  readonly jar: Jar;
  readonly refreshToken: string;
  readonly accessToken: string;
}

async function signEverybodyIn(target: Target): Promise<void> {
  const { kept, count } = target.people as ReturnType<typeof keptPeople>;
  const arrive = async (person: number): Promise<void> => {
    const { jar, tokens } = await signIn(target, { email: emailOf(person) });
    const back = await target.wire.get(authorizePath(target, 'confidential'), { headers, jar });
    const others = await exchange(target, back, 'confidential');
    kept.set(person, {
      jar,
      refreshToken: memberOf(tokens, 'refresh_token'),
      accessToken: memberOf(others, 'access_token'),
    });
  };
  for (let person = 0; person < count; person += 16)
    await Promise.all(Array.from({ length: 16 }, (_, next) => arrive(person + next)));
}
