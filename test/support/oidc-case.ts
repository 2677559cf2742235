/** A connection to an OpenID provider of our own, and the way there and back by the connector alone. */
import type { Test } from 'tap';
import type { Context } from '../../src/context.ts';
import type { Refusal } from '../../src/core/attempts/attempts.ts';
import type { ConnectionId } from '../../src/kernel/ids.ts';
import { newToken } from '../../src/kernel/tokens.ts';
import { type Ask, isRefusal, type Verified, type Way } from '../../src/federation/connector.ts';
import { oidcConnector } from '../../src/federation/oidc/oidc.ts';
import { startApp, type TestApp } from './app.ts';
import { makeAccount } from './make.ts';
import {
  getOidcConnection,
  makeOidcConnection,
  type OidcConnectionOptions,
  type OidcIdp,
  type OidcIdpOptions,
  startOidcIdp,
} from './oidc-idp.ts';

export interface OidcCase {
  readonly app: TestApp;
  readonly ctx: Context;
  readonly idp: OidcIdp;
  readonly id: ConnectionId;
  /** Another connection to the same provider. */
  connect(options?: OidcConnectionOptions): Promise<ConnectionId>;
}

export async function startOidcCase(
  t: Test,
  options: OidcConnectionOptions & OidcIdpOptions = {},
): Promise<OidcCase> {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  const idp = await startOidcIdp(t, { now: ctx.now, ...options });
  const accountId = await makeAccount(ctx);
  const connect = (more: OidcConnectionOptions = {}): Promise<ConnectionId> =>
    makeOidcConnection(ctx, { accountId, idp }, more);
  return { app, ctx, idp, id: await connect(options), connect };
}

export interface Left {
  readonly ask: Ask;
  readonly way: Way;
}

export async function leave(
  ctx: Context,
  id: ConnectionId,
  asked: Partial<Ask> = {},
): Promise<Left | Refusal> {
  const ask = { token: newToken().token, forceAuthn: false, ...asked };
  const way = await oidcConnector.depart(ctx, await getOidcConnection(ctx, id), ask);
  return isRefusal(way) ? way : { ask, way };
}

/** The connection is read again, as it is for every request. */
export async function comeBack(
  ctx: Context,
  id: ConnectionId,
  { left, response }: { readonly left: Left; readonly response: URLSearchParams },
): Promise<Verified | Refusal> {
  const { ask, way } = left;
  const returned = { response, ask, memory: way.memory };
  return oidcConnector.verify(ctx, await getOidcConnection(ctx, id), returned);
}

/** There and back. */
export async function goThere(
  { ctx, idp }: Pick<OidcCase, 'ctx' | 'idp'>,
  id: ConnectionId,
  asked: Partial<Ask> = {},
): Promise<Verified | Refusal> {
  const left = await leave(ctx, id, asked);
  if (isRefusal(left)) return left;
  return comeBack(ctx, id, { left, response: await idp.visit(left.way.location) });
}
