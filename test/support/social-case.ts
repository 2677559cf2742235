/** A service that is a client of six providers of our own, and the way there and back by the connector alone. */
import type { Test } from 'tap';
import type { Context } from '../../src/context.ts';
import type { Refusal } from '../../src/core/attempts/attempts.ts';
import type { SocialIdentity, SocialProvider } from '../../src/core/identities/identities.ts';
import { type Ask, isRefusal, type Verified, type Way } from '../../src/federation/connector.ts';
import { socialConnector } from '../../src/federation/social/social.ts';
import { newToken } from '../../src/kernel/tokens.ts';
import { startApp, type TestApp } from './app.ts';
import { type SocialForgery, type SocialIdp, startSocialIdp } from './social-idp.ts';

export interface SocialCase {
  readonly app: TestApp;
  readonly ctx: Context;
  readonly idp: SocialIdp;
}

export async function startSocialCase(t: Test): Promise<SocialCase> {
  const idp = await startSocialIdp(t);
  const app = await startApp(t, { demo: false, env: idp.env });
  idp.now = app.ctx.now;
  return { app, ctx: app.ctx, idp };
}

export interface SocialLeft {
  readonly ask: Ask;
  readonly way: Way;
  /** What the provider was asked for. */
  readonly asked: URLSearchParams;
}

export async function leaveFor(
  ctx: Context,
  provider: SocialProvider,
  asked: Partial<Ask> = {},
): Promise<SocialLeft> {
  const ask = { token: newToken().token, forceAuthn: false, ...asked };
  const way = await socialConnector.depart(ctx, provider, ask);
  if (isRefusal(way)) throw new Error(`${way.refused}: ${way.detail ?? ''}`);
  return { ask, way, asked: new URL(way.location).searchParams };
}

/** There and back. */
export async function goTo(
  { ctx, idp }: Pick<SocialCase, 'ctx' | 'idp'>,
  provider: SocialProvider,
  asked: Partial<Ask> = {},
): Promise<Verified<SocialIdentity> | Refusal> {
  const { ask, way } = await leaveFor(ctx, provider, asked);
  const response = await idp.visit(way.location);
  return socialConnector.verify(ctx, provider, { response, ask, memory: way.memory });
}

/** There and back, with this done to the truth and to nothing after it. */
export async function goForged(
  world: SocialCase,
  provider: SocialProvider,
  forgery: SocialForgery,
): Promise<Verified<SocialIdentity> | Refusal> {
  world.idp.forge = forgery;
  try {
    return await goTo(world, provider);
  } finally {
    world.idp.forge = {};
  }
}
