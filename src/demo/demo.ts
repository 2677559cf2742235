/** The demo: a seeded world, a start page, and product apps that are real relying parties. Never in production. */
import { z } from 'zod';
import type { Context } from '../context.ts';
import { ownResource } from '../core/clients/clients.ts';
import { sendPage, wantsHtml } from '../http/html.ts';
import { defineRoute, type Route, type Wire } from '../http/route.ts';
import { Failure } from '../kernel/failures.ts';
import { findGlobexEntityId } from './companies.ts';
import { createDemoMailbox, type DemoMailbox, mailboxPage } from './mailbox.ts';
import { appErrorPage, appPage, startPage } from './pages.ts';
import { createRehearsal } from './rehearsal/rehearsal.ts';
import { createRelyingParty, type DemoApp, newBrowserId, type RelyingParty } from './relying-party.ts';
import { seedDemoWorld } from './world.ts';

export interface Demo {
  readonly routes: Route[];
  /** Where mail goes when no server is configured. */
  readonly mailbox: DemoMailbox;
}

/** Seeds the world and answers the demo's routes, and the mailbox behind one of them. */
export async function createDemo(ctx: Context): Promise<Demo> {
  if (ctx.config.production) throw new Error('the demo is never loaded in production');
  await seedDemoWorld(ctx);
  const { issuer } = ctx.config;
  const apps = demoApps(issuer);
  const parties = new Map(apps.map((app) => [app.name, createRelyingParty(app, issuer, ctx.fetch)]));
  const start = defineRoute({
    method: 'GET',
    url: '/',
    access: 'demo',
    schema: {},
    handler: async (_ctx, _input, { reply }) => sendPage(reply, startPage(issuer, apps)),
  });
  const mailbox = createDemoMailbox();
  const mail = defineRoute({
    method: 'GET',
    url: '/demo/mail',
    access: 'demo',
    schema: {},
    handler: async (_ctx, _input, { request, reply }) =>
      wantsHtml(request) ? sendPage(reply, mailboxPage(mailbox.list())) : reply.send(mailbox.list()),
  });
  const rehearsal = createRehearsal(ctx, findGlobexEntityId);
  return { routes: [start, mail, ...rehearsal, ...appRoutes(issuer, parties)], mailbox };
}

function demoApps(issuer: string): DemoApp[] {
  const scope = 'openid profile email assist:read assist:write';
  const assist = { scope, resource: 'https://api.assist.test' };
  return [
    { name: 'assist', title: 'Assist', ...assist },
    {
      name: 'meet',
      title: 'Meet',
      scope: 'openid profile email meet:read',
      resource: 'https://api.meet.test',
    },
    { name: 'confidential', title: 'Assist Reports', ...assist, secret: 'demo-confidential-secret' },
    { name: 'third-party', title: 'Charts by Somebody Else', scope, secret: 'demo-third-party-secret' },
    {
      name: 'admin',
      title: 'Admin Center',
      scope: 'openid profile email account:manage self',
      resource: ownResource({ issuer }).resource,
    },
  ];
}

const params = z.object({ app: z.string().max(40) });
const hints = z.object({
  login_hint: z.string().max(254).optional(),
  domain_hint: z.string().max(254).optional(),
  prompt: z.string().max(40).optional(),
  max_age: z.string().max(10).optional(),
  account: z.string().max(80).optional(),
});

type Parties = ReadonlyMap<string, RelyingParty>;

function appRoutes(issuer: string, parties: Parties): Route[] {
  const party = ({ app }: z.output<typeof params>): RelyingParty => {
    const found = parties.get(app);
    if (!found) throw new Failure('not_found');
    return found;
  };
  const get = { method: 'GET', access: 'demo' } as const;
  const post = { method: 'POST', access: 'demo' } as const;
  return [
    defineRoute({
      ...get,
      url: '/demo/:app',
      schema: { params },
      handler: async (_ctx, input, { request, reply }) => {
        const { app, tokensOf } = party(input.params);
        return sendPage(reply, appPage(app, tokensOf(browserOf(request))));
      },
    }),
    defineRoute({
      ...get,
      url: '/demo/:app/sign-in',
      schema: { params, querystring: hints },
      handler: async (_ctx, { params: path, query }, { reply }) => {
        const browser = newBrowserId();
        const given = Object.entries(query).filter(([, value]) => value !== undefined) as [string, string][];
        const location = await party(path).start(browser, Object.fromEntries(given));
        return setBrowser(reply, path.app, browser).redirect(location.href, 303);
      },
    }),
    defineRoute({
      ...get,
      url: '/demo/:app/callback',
      schema: { params },
      handler: (_ctx, input, wire) => finish(party(input.params), issuer, wire),
    }),
    defineRoute({
      ...post,
      url: '/demo/:app/refresh',
      schema: { params },
      handler: async (_ctx, input, wire) => {
        const { app, refresh } = party(input.params);
        return orError(app, wire, () => refresh(browserOf(wire.request)));
      },
    }),
    defineRoute({
      ...post,
      url: '/demo/:app/sign-out',
      schema: { params },
      handler: async (_ctx, input, { request, reply }) =>
        reply.redirect((await party(input.params).signOut(browserOf(request))).href, 303),
    }),
    defineRoute({
      ...post,
      url: '/demo/:app/backchannel-logout',
      access: 'public', // from the service, not from a browser; the token is its proof
      schema: { params, body: z.object({ logout_token: z.string().max(8000) }) },
      handler: async (_ctx, input, { reply }) => {
        await party(input.params)
          .backchannelLogout(input.body.logout_token)
          .catch((cause: unknown) => {
            throw new Failure('invalid_input', { detail: 'the logout token is not valid', cause });
          });
        return reply.status(200).send();
      },
    }),
  ];
}

async function finish({ app, finish: exchange }: RelyingParty, issuer: string, wire: Wire) {
  const callback = new URL(wire.request.raw.url ?? '/', issuer);
  return orError(app, wire, () => exchange(browserOf(wire.request), callback));
}

/** Back to the app's home; or to a page that shows what the service said. */
async function orError(app: DemoApp, { reply }: Wire, work: () => Promise<void>) {
  try {
    await work();
    return await reply.redirect(`/demo/${app.name}`, 303);
  } catch (error) {
    const {
      error: code,
      error_description: description,
      message,
    } = error as Record<string, string | undefined>;
    return sendPage(
      reply,
      appErrorPage(app, { code: code ?? 'error', description: description ?? message ?? '' }),
    );
  }
}

const cookieName = 'doorward_demo';

function browserOf(request: Wire['request']): string {
  return (
    new RegExp(`(?:^|; *)${cookieName}=([\\w-]{24})(?:;|$)`).exec(request.headers.cookie ?? '')?.[1] ?? ''
  );
}

function setBrowser(reply: Wire['reply'], app: string, browser: string): Wire['reply'] {
  return reply.header('set-cookie', `${cookieName}=${browser}; Path=/demo/${app}; HttpOnly; SameSite=Lax`);
}
