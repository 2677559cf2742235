/**
 * The rehearsal: identity providers that speak the real protocols in the demo's own process, and fail on request: those of
 * two companies, and the six that people bring themselves.
 * They know nothing of the service but its addresses, and reach it over HTTP. What they keep lives in memory.
 */
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { providerNames, socialProviders } from '../../core/identities/identities.ts';
import { sendPage, wantsHtml } from '../../http/html.ts';
import { defineRoute, type Route } from '../../http/route.ts';
import { type Browser, createBrowsers } from './browsers.ts';
import { createDesk } from './desk.ts';
import { faultNames } from './faults.ts';
import { createKeyRing } from './keys.ts';
import { endOidcSession, oidcRoutes } from './oidc.ts';
import { overviewPage } from './pages.ts';
import type { IdpName } from './people.ts';
import { samlRoutes } from './saml.ts';
import { socialRoutes } from './social.ts';

/** `findHome` answers the entity id under which the demo's SAML connection asks. */
export function createRehearsal(ctx: Context, findHome: (ctx: Context) => Promise<string>): Route[] {
  const browsers = createBrowsers(ctx);
  const desk = createDesk(ctx, browsers);
  const keys = { saml: createKeyRing('saml'), oidc: createKeyRing('oidc') };
  const overview = defineRoute({
    method: 'GET',
    url: '/demo/idp',
    access: 'demo',
    schema: {},
    handler: async (_ctx, _input, wire) => {
      const seen = show(browsers.of(wire));
      return wantsHtml(wire.request)
        ? sendPage(wire.reply, overviewPage(seen))
        : wire.reply.send({ ...seen, fault: seen.fault ?? 'none' });
    },
  });
  const switchFault = defineRoute({
    method: 'POST',
    url: '/demo/idp/faults',
    access: 'demo',
    schema: { body: z.object({ fault: z.enum(['none', ...faultNames]) }) },
    handler: async (_ctx, { body: { fault } }, wire) => {
      const chosen = fault === 'none' ? undefined : fault;
      browsers.of(wire).fault = chosen;
      // a new key is published before it is used: whoever asks now can know it in time
      await Promise.all([keys.saml.keyFor(chosen), keys.oidc.keyFor(chosen)]);
      return wantsHtml(wire.request) ? wire.reply.redirect('/demo/idp', 303) : wire.reply.send({ fault });
    },
  });
  const signOut = defineRoute({
    method: 'POST',
    url: '/demo/idp/sign-out',
    access: 'demo',
    schema: {},
    handler: async (given, _input, wire) => {
      const browser = browsers.of(wire);
      for (const idp of ['saml', ...socialProviders] as const) browser.sessions[idp] = undefined;
      await endOidcSession(given, browser, keys.oidc);
      return wire.reply.redirect('/demo/idp', 303);
    },
  });
  return [
    overview,
    switchFault,
    signOut,
    ...desk.routes,
    ...samlRoutes({ desk, browsers, keys: keys.saml, findHome }),
    ...oidcRoutes(ctx, { desk, browsers, keys: keys.oidc }),
    ...socialRoutes(ctx, { desk, browsers, keys: keys.oidc }),
  ];
}

function show({ fault, sessions }: Browser) {
  const emailAt = (idp: IdpName): string | undefined => sessions[idp]?.person.email;
  return {
    fault,
    people: { saml: emailAt('saml'), oidc: emailAt('oidc') },
    providers: socialProviders.map((provider) => ({
      provider,
      name: providerNames[provider],
      email: emailAt(provider),
    })),
  };
}
