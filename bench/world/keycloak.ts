/** Keycloak as production runs it, on the PostgreSQL of the run: given by the folder of its distribution. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../test/support/app.ts';
import { signInAtKeycloak } from '../drive/flows.ts';
import { issuer, type Target } from '../drive/target.ts';
import { memberOf, Wire } from '../drive/wire.ts';
import { keycloakRealm, realm } from '../yardsticks/keycloak-realm.ts';
import { type BenchPostgres, tcpHost } from './postgres.ts';
import { type Served, serve } from './process.ts';
import { emailOf } from './seed.ts';
import { headers, keptPeople, type Yardstick } from './yardsticks.ts';

interface KeycloakOptions {
  readonly folder: string;
  /** How many are signed in before anybody asks. */
  readonly people: number;
}

export async function startKeycloak(
  postgres: BenchPostgres,
  { folder, people }: KeycloakOptions,
): Promise<Yardstick> {
  // a copy: a distribution is changed by being built
  const home = await mkdtemp(path.join(os.tmpdir(), 'bench-keycloak-'));
  const remove = () => rm(home, { recursive: true, force: true });
  try {
    await cp(folder, home, { recursive: true });
    await postgres.createDatabase('keycloak');
    const served = await build(home, people);
    const target = targetAt(served.origin, people);
    await signEverybodyIn(target);
    return {
      served,
      target,
      close: async () => {
        await target.wire.close();
        await served.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** As it names itself, with its version. */
export async function keycloakVersion(folder: string): Promise<string> {
  const text = await readFile(path.join(folder, 'version.txt'), 'utf8');
  return text.trim().replace(' - Version', '');
}

/** TLS ends at a proxy, as the service's does; one node needs no cache that others share. */
async function build(home: string, people: number): Promise<Served> {
  const port = await freePort();
  const env = {
    KC_DB: 'postgres',
    KC_DB_URL: `jdbc:postgresql://${tcpHost}/keycloak`,
    KC_DB_USERNAME: 'postgres',
    KC_CACHE: 'local',
    KC_HTTP_ENABLED: 'true',
    KC_HTTP_HOST: '127.0.0.1',
    KC_HTTP_PORT: String(port),
    KC_HOSTNAME: issuer,
    KC_PROXY_HEADERS: 'xforwarded',
    // with the two passes of the realm the service's own parameters
    KC_SPI_PASSWORD_HASHING__ARGON2__MEMORY: '19456',
  };
  const script = path.join(home, 'bin/kc.sh');
  await promisify(execFile)(script, ['build'], { env: { ...process.env, ...env } });
  await mkdir(path.join(home, 'data/import'), { recursive: true });
  await writeFile(path.join(home, 'data/import/bench-realm.json'), JSON.stringify(keycloakRealm(people)));
  const served = await serve({
    command: [script, 'start', '--optimized', '--import-realm'],
    port,
    env,
    readyPath: `/realms/${realm}/.well-known/openid-configuration`,
  });
  return { ...served, pid: await childOf(served.pid) };
}

/** The script waits for Java. @see proc_pid_task_tid_children(5) */
async function childOf(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0]);
}

function targetAt(origin: string, people: number) {
  const base = `/realms/${realm}/protocol/openid-connect`;
  const endpoints = { authorize: `${base}/auth`, token: `${base}/token` };
  return { wire: new Wire(origin), headers, endpoints, people: keptPeople(people) };
}

async function signEverybodyIn(target: Target & ReturnType<typeof targetAt>): Promise<void> {
  for (let person = 0; person < target.people.count; person += 1) {
    const { jar, tokens } = await signInAtKeycloak(target, emailOf(person));
    target.people.kept.set(person, {
      jar,
      refreshToken: memberOf(tokens, 'refresh_token'),
      accessToken: memberOf(tokens, 'access_token'),
    });
  }
}
