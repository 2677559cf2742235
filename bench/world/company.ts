/**
 * The sign-in by a company: the service, and beside it a process that plays the identity providers. They are the demo's, and
 * production loads no demo, so that this service runs in development: the one difference to the others.
 */
import { freePort } from '../../test/support/app.ts';
import { Agent, type Answer, type Send } from '../../test/support/agent.ts';
import { newNetwork } from '../drive/target.ts';
import type { BenchPostgres } from './postgres.ts';
import { type Served, serve } from './process.ts';
import { keys, type Service } from './service.ts';

export interface Company {
  readonly databaseUrl: string;
  readonly issuer: string;
  readonly service: Service;
  /** A browser: what belongs to the identity providers goes to them, everything else to the service. */
  newBrowser(): Agent;
  close(): Promise<void>;
}

export async function openCompany(postgres: BenchPostgres): Promise<Company> {
  const databaseUrl = await postgres.createDatabase('company');
  const idpPort = await freePort();
  // what the service itself asks an identity provider, it asks at this address
  const issuer = `http://127.0.0.1:${idpPort}`;
  const env = { ...keys, ISSUER: issuer, DATABASE_URL: databaseUrl };
  const command = [process.execPath, 'bench/world/rehearsal.ts'] as const;
  const idp = await serve({ command, port: idpPort, env, readyPath: '/readyz' });
  const service = await startBeside(idp, env);
  return {
    databaseUrl,
    issuer,
    service,
    newBrowser: () => new CompanyBrowser(issuer, service.origin),
    close: async () => {
      await service.stop();
      await idp.stop();
      await postgres.dropDatabase('company');
    },
  };
}

async function startBeside(idp: Served, env: Readonly<Record<string, string>>): Promise<Service> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  try {
    const served = await serve({
      command: [process.execPath, 'src/main.ts'],
      port,
      env: { ...env, METRICS_PORT: String(metricsPort), TRUSTED_PROXIES: '127.0.0.1' },
      readyPath: '/readyz',
    });
    return { ...served, metricsOrigin: `http://127.0.0.1:${metricsPort}` };
  } catch (error) {
    await idp.stop();
    throw error;
  }
}

class CompanyBrowser extends Agent {
  readonly #service: string;
  /** The look-ups of one network are throttled. */
  readonly #network = newNetwork();

  constructor(issuer: string, service: string) {
    super(issuer);
    this.#service = service;
  }

  override async send(address: string, sending: Send): Promise<Answer> {
    const { pathname, search } = new URL(address, this.origin);
    const to = pathname.startsWith('/demo/') ? this.origin : this.#service;
    const headers = { ...sending.headers, ...this.#network };
    const answer = await super.send(`${to}${pathname}${search}`, { ...sending, headers });
    return { ...answer, location: answer.location?.replace(this.#service, this.origin) };
  }
}
