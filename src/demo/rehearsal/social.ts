/**
 * The rehearsal of the six social providers: one server, and below each one's name the paths of the real one. A person
 * says who they are there once; whoever comes again goes straight back.
 */
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { isSocialProvider, type SocialProvider } from '../../core/identities/identities.ts';
import { defineRoute, type Route, type Wire } from '../../http/route.ts';
import { Failure } from '../../kernel/failures.ts';
import { minute } from '../../kernel/time.ts';
import { socialIdp } from './addresses.ts';
import type { Browsers } from './browsers.ts';
import { type Desk, misbehaves } from './desk.ts';
import type { KeyRing } from './keys.ts';
import { createMemory } from './memory.ts';
import { apple } from './social-apple.ts';
import { authorize, type Provider } from './social-authorize.ts';
import { type Answer, type Dialect, type Grant, query } from './social-dialect.ts';
import { facebook } from './social-facebook.ts';
import { github } from './social-github.ts';
import { google } from './social-google.ts';
import { linkedin } from './social-linkedin.ts';
import { microsoft } from './social-microsoft.ts';
import { redeem, tokenRequest } from './social-token.ts';

const dialects: Readonly<Record<SocialProvider, Dialect>> = {
  google,
  microsoft,
  linkedin,
  facebook,
  apple,
  github,
};

export interface SocialParts {
  readonly desk: Desk;
  readonly browsers: Browsers;
  readonly keys: KeyRing;
}

// what stands below is the dialects' own table of paths
const url = '/demo/idp/social/:provider/*';
const params = z.object({ provider: z.string(), '*': z.string() });

export function socialRoutes({ now }: Pick<Context, 'now'>, { desk, browsers, keys }: SocialParts): Route[] {
  const codes = createMemory<Grant>(now, { seconds: 10 * minute });
  const accessTokens = createMemory<Grant>(now, { seconds: 5 * minute });
  const known = new Set<string>();
  return [
    defineRoute({
      method: 'GET',
      access: 'demo',
      url,
      schema: { params, querystring: query },
      handler: async (ctx, { params: called, query: asked }, wire) => {
        const { path, ...provider } = find(ctx, called);
        const { dialect, base } = provider;
        if (path === dialect.authorizeAt)
          return authorize(ctx, provider, { desk, browsers, codes, known, query: asked, wire });
        const answer = Object.hasOwn(dialect.documents, path) ? dialect.documents[path] : undefined;
        if (!answer) throw new Failure('not_found');
        const grantOf = (token: string): Grant | undefined => {
          const grant = accessTokens.find(token);
          return grant?.provider === provider.provider ? grant : undefined;
        };
        const { headers } = wire.request;
        return send(wire, await answer({ base, keys, now: ctx.now(), query: asked, headers, grantOf }));
      },
    }),
    defineRoute({
      method: 'POST',
      access: 'public', // from a program, not from a browser; the secret of the client is its proof
      url,
      schema: { params, body: tokenRequest },
      handler: async (ctx, { params: called, body }, wire) => {
        const { path, ...provider } = find(ctx, called);
        const { dialect, base } = provider;
        if (path !== dialect.tokenAt) throw new Failure('not_found');
        const mint = { base, keys, now: ctx.now() };
        const grant = await redeem(body, { ...provider, now: mint.now, codes });
        if ('status' in grant) return send(wire, grant, dialect);
        if (await misbehaves(grant.fault, wire)) return wire.reply;
        if (grant.fault === 'refused_code') return send(wire, dialect.complain('invalid_grant'), dialect);
        const accessToken = accessTokens.put(grant);
        const tokens = await dialect.tokensFor(grant, { ...mint, accessToken });
        return send(wire, { status: 200, body: tokens }, dialect);
      },
    }),
  ];
}

/** Facebook's paths begin with a version; any will do. */
function find(
  { config }: Context,
  { provider, '*': rest }: z.output<typeof params>,
): Provider & { readonly path: string } {
  if (!isSocialProvider(provider)) throw new Failure('not_found');
  const path = rest.replace(/^v\d{1,3}\.\d(?=\/)/, ':version');
  return { provider, dialect: dialects[provider], base: socialIdp(config.issuer, provider), path };
}

function send({ request, reply }: Wire, { status, body }: Answer, dialect?: Dialect): Wire['reply'] {
  const wantsForm = dialect?.writesForms && request.headers.accept?.includes('application/json') !== true;
  if (!wantsForm) return reply.status(status).send(body);
  const form = new URLSearchParams(Object.entries(body).map(([name, value]) => [name, String(value)]));
  return reply.status(status).type('application/x-www-form-urlencoded').send(form.toString());
}
