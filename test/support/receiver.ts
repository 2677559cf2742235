/** Clients that are told of sign-outs, on real servers that behave as they are told to. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { Context } from '../../src/context.ts';
import { makeClient } from './make.ts';

/** How a receiver behaves: well, or as badly as one can. */
export type Behaviour = 'takes' | 'hangs' | 'refuses' | 'redirects' | 'never ends' | 'hangs up';

export interface Receiver {
  readonly clientId: string;
  readonly redirectUri: string;
  behaviour: Behaviour;
  /** The sid of every token that arrived whole. */
  readonly told: string[];
  /** Requests it has not answered. */
  readonly open: number;
  /** The most there were of them. */
  readonly mostOpen: number;
}

const answers: Readonly<Record<Behaviour, (response: ServerResponse) => void>> = {
  takes: (response) => response.writeHead(204).end(),
  hangs: () => {},
  refuses: (response) => response.writeHead(500).end('<h1>no</h1>'),
  redirects: (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
  'never ends': (response) => {
    response.writeHead(500);
    const timer = setInterval(() => response.write('x'.repeat(1000)), 100);
    response.once('close', () => {
      clearInterval(timer);
    });
  },
  'hangs up': (response) => response.destroy(),
};

export async function startReceiver(
  t: Test,
  ctx: Context,
  { clientId, behaviour = 'takes' }: { readonly clientId: string; readonly behaviour?: Behaviour },
): Promise<Receiver> {
  let open = 0;
  let mostOpen = 0;
  const told: string[] = [];
  const redirectUri = `http://127.0.0.1/${clientId}/callback`;
  const receiver = { clientId, redirectUri, behaviour, told, open, mostOpen };
  const server = createServer(async (request, response) => {
    open += 1;
    mostOpen = Math.max(mostOpen, open);
    response.once('close', () => (open -= 1));
    let body = '';
    for await (const chunk of request) body += String(chunk);
    told.push(sidOf(body));
    answers[receiver.behaviour](response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  await makeClient(ctx, {
    clientId,
    name: clientId,
    firstParty: true,
    applicationType: 'web',
    authMethod: 'none',
    grantTypes: ['authorization_code'],
    redirectUris: [redirectUri],
    backchannelLogoutUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/logout`,
  });
  return Object.defineProperties(receiver, {
    open: { get: () => open },
    mostOpen: { get: () => mostOpen },
  });
}

function sidOf(body: string): string {
  const [, payload = ''] = (new URLSearchParams(body).get('logout_token') ?? '').split('.');
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sid: string }).sid;
}
