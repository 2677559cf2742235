/** A database full of people and the service on it: what flows are driven against. */
import KeyGrip from 'keygrip';
import { seedDemoWorld } from '../../src/demo/world.ts';
import { authorizePath, exchange, signIn } from '../drive/flows.ts';
import { Jar } from '../drive/jar.ts';
import { endpoints, password, type People, type Target } from '../drive/target.ts';
import { Wire } from '../drive/wire.ts';
import type { BenchPostgres } from './postgres.ts';
import { emailOf, secretOf, seedPeople } from './seed.ts';
import { arrange, keys, type Service, startService } from './service.ts';

export interface World {
  readonly databaseUrl: string;
  readonly service: Service;
  readonly target: Target;
  close(): Promise<void>;
}

/** Whose sign-in is copied: a seat, and no company that would sign them in. */
const template = 'alan@acme.test';

/** Everything of the demo world, and `count` people more who are signed in to two clients. */
export async function openWorld(
  postgres: BenchPostgres,
  { name, count }: { readonly name: string; readonly count: number },
): Promise<World> {
  const databaseUrl = await postgres.createDatabase(name);
  await arrange(databaseUrl, seedDemoWorld);
  const service = await startService(databaseUrl);
  const wire = new Wire(service.origin);
  const target: Target = { wire, headers: {}, endpoints, people: seededPeople(count) };
  const close = async (): Promise<void> => {
    await wire.close();
    await service.stop();
    await postgres.dropDatabase(name);
  };
  try {
    const { jar } = await signIn(target, { email: template, password });
    await exchange(target, await wire.get(authorizePath(target, 'confidential'), { jar }), 'confidential');
    await seedPeople(databaseUrl, { template, count });
    return { databaseUrl, service, target, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function seededPeople(count: number): People {
  const signer = new KeyGrip([keys.COOKIE_KEYS], 'sha256');
  const rotated = new Map<number, string>();
  return {
    count,
    email: emailOf,
    browser(person) {
      const session = `__Host-doorward_session=${secretOf('session', person)}`;
      const signature = `__Host-doorward_session.sig=${signer.sign(session)}`;
      const jar = new Jar();
      jar.store([`${session}; path=/`, `${signature}; path=/`]);
      return jar;
    },
    refreshToken: (person) => rotated.get(person) ?? secretOf('refresh', person),
    keepRefreshToken: (person, token) => void rotated.set(person, token),
    accessToken: (person) => secretOf('access', person),
  };
}
