/** The suite as a company's identity provider: what it says to us is bent by a module, and we believe it or not. */
import type { Test } from 'tap';
import type { Refusal } from '../../src/core/attempts/attempts.ts';
import type { ConnectionId } from '../../src/kernel/ids.ts';
import { goThere, type OidcCase, startOidcCase } from '../support/oidc-case.ts';
import type { Forgery, OidcConnectionOptions } from '../support/oidc-idp.ts';
import { type ClientPlanName, clientPlans } from './plans.ts';

export type ClientModule = (t: Test, world: OidcCase) => Promise<void>;
export type ClientModules<Plan extends ClientPlanName> = Readonly<
  Record<(typeof clientPlans)[Plan][number], ClientModule>
>;

/** Its ID tokens say who it is and nothing of them: that is what userinfo is for. */
export function bend({ idp }: OidcCase, forgery: Forgery): void {
  idp.forge = { ...forgery, claims: { email: undefined, name: undefined, ...forgery.claims } };
}

/** A module whose ID token and userinfo are taken. */
export function accepts(
  forgery: (world: OidcCase) => Forgery | Promise<Forgery>,
  options: OidcConnectionOptions = {},
): ClientModule {
  return async (t, world) => {
    bend(world, await forgery(world));
    await checkAccepted(t, world, await world.connect(options));
  };
}

export async function checkAccepted(t: Test, world: OidcCase, id: ConnectionId): Promise<void> {
  const asked = world.idp.count('/userinfo');
  const { issuer } = world.idp;
  const email = ['pat@acme.test'];
  t.match(await goThere(world, id), { identity: { issuer, subject: 'person-1', attributes: { email } } });
  t.equal(world.idp.count('/userinfo'), asked + 1, 'userinfo was asked');
}

/** A module that brings nobody in; after a wrong ID token userinfo must not even be asked. */
export function refuses(
  code: Refusal['refused'],
  forgery: (world: OidcCase) => Forgery | Promise<Forgery>,
): ClientModule {
  return async (t, world) => {
    bend(world, await forgery(world));
    const asked = world.idp.count('/userinfo');
    t.match(await goThere(world, await world.connect()), { refused: code });
    t.equal(world.idp.count('/userinfo'), asked + (code === 'oidc_userinfo' ? 1 : 0));
  };
}

/** Runs a plan for relying parties: one test a module, named by its id. */
export async function runClientPlan<Plan extends ClientPlanName>(
  t: Test,
  { name, modules }: { readonly name: Plan; readonly modules: ClientModules<Plan> },
): Promise<void> {
  await t.test(name, async (t) => {
    const world = await startOidcCase(t);
    for (const id of clientPlans[name] as readonly (typeof clientPlans)[Plan][number][]) {
      await t.test(id, (t) => modules[id](t, world));
      world.idp.forge = {};
    }
  });
}
