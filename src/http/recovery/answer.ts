/** What the recovery routes have in common: one state, shown as JSON or as a page, and forms that are sent on. */
import type { StepClient } from '../../core/sign-in/sign-in.ts';
import { Failure } from '../../kernel/failures.ts';
import { type Locale, preferredLocale } from '../../kernel/locale.ts';
import type { Page } from '../../pages/layout.ts';
import type { Engine } from '../../provider/provider.ts';
import { sendPage, varies, wantsHtml } from '../html.ts';
import type { Wire } from '../route.ts';

/** JSON answers with the view, a browser gets its page. */
export function sendView<View extends object>(
  { request, reply }: Wire,
  view: View,
  page: (view: View) => Page,
) {
  return wantsHtml(request) ? sendPage(reply, page(view)) : varies(reply).send(view);
}

/**
 * Does the work of a POST. A form is sent on by 303 (never 307: what was typed must not be posted on), also by a failure
 * that `backTo` has a page for; JSON gets what the work answers, or the problem.
 */
export async function answerForm<Result>(
  { request, reply }: Wire,
  work: () => Promise<Result>,
  to: {
    readonly page: (result: Result) => string;
    readonly json: (result: Result) => unknown;
    readonly backTo: (failure: Failure) => string | undefined;
  },
): Promise<unknown> {
  const isForm = wantsHtml(request);
  try {
    const result = await work();
    return await (isForm ? reply.redirect(to.page(result), 303) : to.json(result));
  } catch (error) {
    const back = isForm && error instanceof Failure ? to.backTo(error) : undefined;
    if (back === undefined) throw error;
    request.log.info({ code: (error as Failure).code }, 'refused');
    return reply.redirect(back, 303);
  }
}

export interface RecoveryClient {
  readonly shown: StepClient;
  /** Where a person can start a sign-in. */
  readonly startUrl: string | null;
}

/** Whom the person came from, as the pages show it. */
export async function findRecoveryClient(
  engine: Engine,
  clientId: string | null | undefined,
): Promise<RecoveryClient | undefined> {
  const client = clientId ? await engine.clients.find(clientId) : undefined;
  if (!client) return undefined;
  const { name, logoUri, product, firstParty } = client;
  return {
    shown: {
      client_id: client.clientId,
      name,
      logo_uri: logoUri,
      product: product && { slug: product.slug, name: product.name },
      first_party: firstParty,
    },
    startUrl: client.initiateLoginUri ?? client.homeUri,
  };
}

/** The client's own beginning of a sign-in, with the address filled in (OpenID Connect Core §4); undefined where there is none. */
export async function startAt(
  engine: Engine,
  {
    email,
    clientId,
    ...hints
  }: { readonly email: string; readonly clientId: string | null; readonly domain_hint?: string },
): Promise<string | undefined> {
  const client = await findRecoveryClient(engine, clientId);
  const location = client?.startUrl ? new URL(client.startUrl) : undefined;
  location?.searchParams.set('login_hint', email);
  for (const [name, value] of Object.entries(hints)) location?.searchParams.set(name, value);
  return location?.href;
}

/** What the browser prefers: who forgot a password has no session that could say more. */
export function localeOf({ request }: Wire): Locale {
  return preferredLocale(request.headers['accept-language']);
}
