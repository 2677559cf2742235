/** Where a browser arrives at a social provider, and how it goes back. */
import type { Context } from '../../context.ts';
import { providerNames, type SocialProvider } from '../../core/identities/identities.ts';
import type { Wire } from '../../http/route.ts';
import { Failure } from '../../kernel/failures.ts';
import { secondsUntil } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { elsewhere, oidcClient } from './addresses.ts';
import type { Browser, Browsers, IdpSession } from './browsers.ts';
import type { Desk, Visit } from './desk.ts';
import { sendForm } from './form-post.ts';
import type { Memory } from './memory.ts';
import { accountOf, socialPlace } from './social-accounts.ts';
import type { Dialect, Fields, Grant, Query } from './social-dialect.ts';

/** One provider, and where it stands. */
export interface Provider {
  readonly provider: SocialProvider;
  readonly dialect: Dialect;
  readonly base: string;
}

export interface Authorizing {
  readonly desk: Desk;
  readonly browsers: Browsers;
  readonly codes: Memory<Grant>;
  /** The accounts that have been here before. */
  readonly known: Set<string>;
  readonly query: Query;
}

/** @see RFC 6749 §4.1.1 */
export async function authorize(
  { config, now }: Context,
  provider: Provider,
  { wire, ...authorizing }: Authorizing & { readonly wire: Wire },
): Promise<unknown> {
  const { desk, browsers, query } = authorizing;
  const { dialect } = provider;
  assertOurs(query, `${config.issuer}/federation/${provider.provider}/callback`);
  const back = (fields: Fields, to: Wire) =>
    sendBack({ provider, query, browser: browsers.of(to) }, fields, to);
  const cancel = (to: Wire) => back(dialect.cancelled, to);
  const error = errorIn(query, dialect);
  if (error !== undefined) return back({ error }, wire);
  if (browsers.of(wire).fault === 'access_denied') return cancel(wire);
  const askAgain = ({ at }: IdpSession) => dialect.asksAgain?.(query, secondsUntil(now(), at)) ?? false;
  const answer = (visit: Visit, to: Wire) => back(grantTo(visit, provider, authorizing), to);
  const place = socialPlace(provider.provider);
  return desk.receive({ place, loginHint: query.login_hint, askAgain, answer, cancel }, wire);
}

/** Anybody else would be sent somewhere with a code of somebody. */
function assertOurs({ client_id: id, redirect_uri: redirectUri }: Query, callback: string): void {
  if (id !== oidcClient.id || redirectUri !== callback)
    throw new Failure('invalid_input', { detail: 'the client or its redirect_uri is not known here' });
}

function errorIn(query: Query, { verifier, objectsTo }: Dialect): string | undefined {
  if ((query.response_type ?? 'code') !== 'code') return 'unsupported_response_type';
  const isBound = verifier === 'checked' && query.code_challenge !== undefined;
  if (isBound && query.code_challenge_method !== 'S256') return 'invalid_request';
  return objectsTo?.(query);
}

/** A code, and what this provider puts beside it. */
function grantTo(
  { browser, session }: Visit,
  { provider, dialect }: Provider,
  { codes, known, query }: Authorizing,
): Fields {
  const account = accountOf(provider, session.person);
  const grant = { provider, account, signedInAt: session.at, fault: browser.fault, query };
  const isFirst = isNew(`${provider} ${account.handle}`, known);
  return { code: codes.put(grant), ...dialect.beside?.(grant, isFirst) };
}

/** Once so many have been here, all of them are new again. */
function isNew(account: string, known: Set<string>): boolean {
  if (known.has(account)) return false;
  if (known.size >= 1000) known.clear();
  known.add(account);
  return true;
}

interface Back {
  readonly provider: Provider;
  readonly query: Query;
  readonly browser: Browser;
}

/** By way of the address, or of a form where that was asked for. @see RFC 6749 §4.1.2 */
async function sendBack({ provider, query, browser }: Back, given: Fields, { reply }: Wire) {
  const { dialect, base } = provider;
  const { state, redirect_uri: redirectUri = '', response_mode: mode } = query;
  const { fault } = browser;
  const issuer = dialect.issuerOf?.(base);
  const fields = {
    ...given,
    ...(state !== undefined && { state: fault === 'unsolicited' ? newToken().token : state }),
    ...(issuer !== undefined && { iss: fault === 'wrong_issuer' ? elsewhere : issuer }),
  };
  if (mode === 'form_post')
    return sendForm(reply, { from: providerNames[provider.provider], action: redirectUri, fields });
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  url.hash = dialect.fragment ?? '';
  return reply.redirect(url.href, 303);
}
