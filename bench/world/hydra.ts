/**
 * Ory Hydra as production runs it, on the PostgreSQL of the run: given by its program. It knows no people and no passwords;
 * so nobody signs in there, but for those who must be there before a measurement.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { freePort } from '../../test/support/app.ts';
import { authorizePath, exchange } from '../drive/flows.ts';
import { Jar } from '../drive/jar.ts';
import { apiResource, issuer, redirectUri, type Target } from '../drive/target.ts';
import { type Answer, expectRedirect, expectStatus, memberOf, pathOf, Wire } from '../drive/wire.ts';
import type { BenchPostgres } from './postgres.ts';
import { serve } from './process.ts';
import { emailOf } from './seed.ts';
import { headers, keptPeople, type Yardstick } from './yardsticks.ts';

interface HydraOptions {
  readonly program: string;
  /** How many are signed in before anybody asks. */
  readonly people: number;
}

const endpoints = { authorize: '/oauth2/auth', token: '/oauth2/token' };
const scopes = 'openid offline_access profile email assist:read';

export async function startHydra(
  postgres: BenchPostgres,
  { program, people }: HydraOptions,
): Promise<Yardstick> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const env = {
    // of its own accord it takes two for each core, and waits for one while it holds another: 64 at once wait for ever
    DSN: `${await postgres.createDatabase('hydra')}&max_conns=80`,
    SERVE_PUBLIC_HOST: '127.0.0.1',
    SERVE_PUBLIC_PORT: String(port),
    SERVE_ADMIN_HOST: '127.0.0.1',
    SERVE_ADMIN_PORT: String(adminPort),
    // TLS ends at a proxy, as the service's does
    SERVE_TLS_ALLOW_TERMINATION_FROM: '127.0.0.0/8',
    URLS_SELF_ISSUER: issuer,
    URLS_LOGIN: `${issuer}/login`,
    URLS_CONSENT: `${issuer}/consent`,
    SECRETS_SYSTEM: randomBytes(16).toString('hex'),
    STRATEGIES_ACCESS_TOKEN: 'jwt',
    TTL_ACCESS_TOKEN: '10m',
    SQA_OPT_OUT: 'true',
  };
  await promisify(execFile)(program, ['migrate', 'sql', '-e', '--yes'], { env: { ...process.env, ...env } });
  const served = await serve({
    command: [program, 'serve', 'all'],
    port,
    env,
    readyPath: '/health/ready',
  });
  const target = { wire: new Wire(served.origin), headers, endpoints, people: keptPeople(people) };
  const admin = new Wire(`http://127.0.0.1:${adminPort}`);
  const close = async (): Promise<void> => {
    await admin.close();
    await target.wire.close();
    await served.stop();
  };
  try {
    await prepare(admin);
    for (let person = 0; person < people; person += 1)
      target.people.kept.set(person, await signIn(target, admin, emailOf(person)));
    return { served, target, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** As it names itself, with its version. */
export async function hydraVersion(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['version']);
  return `Hydra ${/^Version:\s+(\S+)/m.exec(stdout)?.[1] ?? 'of unknown version'}`;
}

/** The service's algorithm instead of RS256, and the clients. */
async function prepare(admin: Wire): Promise<void> {
  for (const set of ['hydra.openid.id-token', 'hydra.jwt.access-token']) {
    const json = { alg: 'ES256', kid: set, use: 'sig' };
    expectStatus(await admin.post(`/admin/keys/${set}`, { headers, json }), 201);
  }
  const clients = [
    {
      client_id: 'demo-assist',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [redirectUri],
      scope: scopes,
      audience: [apiResource],
    },
    {
      client_id: 'demo-service',
      client_secret: 'demo-service-secret',
      grant_types: ['client_credentials'],
      response_types: [],
      scope: 'assist:read',
    },
  ];
  for (const json of clients) expectStatus(await admin.post('/admin/clients', { headers, json }), 201);
}

/** As the two applications would have it that one writes for Hydra: one says who it is, the other that they agree. */
async function signIn(target: Target, admin: Wire, subject: string) {
  const jar = new Jar();
  const visit = (path: string): Promise<Answer> => target.wire.get(path, { headers, jar });
  const accept = async (request: 'login' | 'consent', asked: Answer, json: object): Promise<string> => {
    const location = new URL(expectRedirect(asked), issuer);
    const challenge = location.searchParams.get(`${request}_challenge`);
    if (challenge === null) throw new Error(`Hydra asks for no ${request}: ${location.href}`);
    const query = new URLSearchParams({ [`${request}_challenge`]: challenge }).toString();
    const path = `/admin/oauth2/auth/requests/${request}/accept?${query}`;
    const answer = expectStatus(await admin.put(path, { headers, json }), 200);
    return pathOf(memberOf(answer, 'redirect_to'));
  };
  const asked = new URL(authorizePath(target, 'assist'), issuer);
  asked.searchParams.set('scope', scopes);
  const known = await accept('login', await visit(pathOf(asked.href)), { subject });
  const agreed = await accept('consent', await visit(known), {
    grant_scope: scopes.split(' '),
    grant_access_token_audience: [apiResource],
  });
  const tokens = await exchange(target, await visit(agreed), 'assist');
  return {
    jar,
    refreshToken: memberOf(tokens, 'refresh_token'),
    accessToken: memberOf(tokens, 'access_token'),
  };
}
