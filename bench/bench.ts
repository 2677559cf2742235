/** What a run has at hand. Servers are started when the first scenario asks for them, and ended with the run. */
import { slots } from './drive/load.ts';
import { type Amounts, amountsOf, fewUsers, type Options } from './options.ts';
import { type Company, openCompany } from './world/company.ts';
import { hydraVersion, startHydra } from './world/hydra.ts';
import { keycloakVersion, startKeycloak } from './world/keycloak.ts';
import { type BenchPostgres, startPostgres } from './world/postgres.ts';
import { openWorld, type World } from './world/world.ts';
import { startEngine, startPlain, type Yardstick } from './world/yardsticks.ts';

export interface Bench {
  readonly options: Options;
  readonly amounts: Amounts;
  readonly postgres: BenchPostgres;
  /** Few people: what is compared with the yardsticks. */
  world(): Promise<World>;
  /** As many people as were asked for. */
  crowd(): Promise<World>;
  company(): Promise<Company>;
  engine(): Promise<Yardstick>;
  naive(): Promise<Yardstick>;
  plain(): Promise<Yardstick>;
  /** Undefined unless they were given. */
  keycloak(): Promise<Yardstick | undefined>;
  hydra(): Promise<Yardstick | undefined>;
  /** How many flows the service of `world` has done. */
  readonly flows: { done: number };
  /** What was given to be measured beside, with its version. */
  others(): Promise<string[]>;
  close(): Promise<void>;
}

/** As many as the closed loops have clients: two flows of one person at once would be in each other's way. */
const fewestPeople = 64;

export async function openBench(options: Options): Promise<Bench> {
  const { keycloak, hydra } = options;
  const postgres = await startPostgres({ isOnTcp: keycloak !== undefined });
  const opened: { close(): Promise<void> }[] = [];
  const once = <Thing extends { close(): Promise<void> }>(
    open: () => Promise<Thing>,
  ): (() => Promise<Thing>) => {
    let thing: Promise<Thing> | undefined;
    return () =>
      (thing ??= open().then((it) => {
        opened.push(it);
        return it;
      }));
  };
  const people = options.smoke ? fewestPeople : fewUsers;
  const signedIn = Math.min(people, slots);
  const nobody = (): Promise<undefined> => Promise.resolve(undefined);
  const world = once(() => openWorld(postgres, { name: 'few', count: people }));
  return {
    options,
    amounts: amountsOf(options),
    postgres,
    world,
    crowd:
      options.users > fewUsers
        ? once(() => openWorld(postgres, { name: 'many', count: options.users }))
        : world,
    company: once(() => openCompany(postgres)),
    engine: once(() => startEngine({ people: signedIn })),
    naive: once(async () => {
      const databaseUrl = await postgres.createDatabase('naive');
      return startEngine({ people: signedIn, databaseUrl });
    }),
    plain: once(startPlain),
    keycloak:
      keycloak === undefined
        ? nobody
        : once(() => startKeycloak(postgres, { folder: keycloak, people: signedIn })),
    hydra:
      hydra === undefined ? nobody : once(() => startHydra(postgres, { program: hydra, people: signedIn })),
    flows: { done: 0 },
    others: () =>
      Promise.all([
        ...(keycloak === undefined ? [] : [keycloakVersion(keycloak)]),
        ...(hydra === undefined ? [] : [hydraVersion(hydra)]),
      ]),
    async close() {
      for (const thing of opened.reverse()) await thing.close();
      await postgres.stop();
    },
  };
}
