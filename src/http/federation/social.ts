/** The way to a social provider and back: like that to a company, but it belongs to no account. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import { recordEvent } from '../../core/audit/audit.ts';
import {
  consumeSocialDeparture,
  findSocialDeparture,
  keepAnswer,
  type SocialDeparture,
  type SocialLuggage,
  storeSocialDeparture,
} from '../../core/departures/departures.ts';
import type { SocialIdentity, SocialProvider } from '../../core/identities/identities.ts';
import type { OwnLink } from '../../core/linking/linking.ts';
import { type SignIn, type SignInState, socialFailed, type Transition } from '../../core/sign-in/sign-in.ts';
import { isRefusal, type Verified } from '../../federation/connector.ts';
import { socialConnector } from '../../federation/social/social.ts';
import { Failure } from '../../kernel/failures.ts';
import { newCaseId } from '../../kernel/ids.ts';
import { hashToken, isSameHash, newToken } from '../../kernel/tokens.ts';
import { returnToSignIn } from '../../provider/interactions.ts';
import { keepFederationBrowser, readFederationBrowser } from '../company-cookies.ts';
import type { Wire } from '../route.ts';
import { countUnexpected } from './refuse.ts';

interface SettingOut {
  readonly provider: SocialProvider;
  readonly luggage: SocialLuggage;
  readonly loginHint?: string | undefined;
}

/** Where the browser leaves for, and what is to be written before; or why the provider cannot be asked. */
export async function setOutFor(
  ctx: Context,
  { provider, luggage, loginHint }: SettingOut,
  wire: Wire,
): Promise<Refusal | { readonly location: string; readonly write: (tx: Tx) => Promise<void> }> {
  const { token } = newToken();
  const { forceAuthn, maxAge } = luggage;
  const way = await socialConnector.depart(ctx, provider, { token, forceAuthn, maxAge, loginHint });
  if (isRefusal(way)) return way;
  const browser = keepFederationBrowser(ctx, wire);
  const remembered = { ...way.memory, ...luggage };
  return {
    location: way.location,
    write: (tx) => storeSocialDeparture(tx, { token, provider, browser, luggage: remembered }),
  };
}

/** The transition of somebody who leaves for a provider, or of one that cannot be asked. */
export async function leaveForProvider(
  ctx: Context,
  { signIn, provider }: { readonly signIn: SignIn; readonly provider: SocialProvider },
  wire: Wire,
): Promise<Transition> {
  const { uid, forceAuthn, maxAge, loginHint, client, state } = signIn;
  const { clientId } = client;
  const luggage = { uid, clientId, forceAuthn, ...(maxAge !== undefined && { maxAge }) };
  const out = await setOutFor(ctx, { provider, luggage, loginHint }, wire);
  if (!isRefusal(out)) return { state, write: out.write, leaveFor: out.location };
  const caseId = newCaseId();
  const write = (tx: Tx) =>
    record(tx, ctx.log, { provider, refusal: out, caseId, clientId, stage: 'departure' });
  return { ...socialFailed(caseId), write };
}

interface Called {
  readonly provider: SocialProvider;
  readonly response: URLSearchParams;
}

/**
 * A provider's answer by POST (`form_post`) brings none of our cookies along: it is kept, and the browser is sent to come
 * for it. Only the state goes into the address.
 */
export async function takePostedAnswer(ctx: Context, { provider, response }: Called, { reply }: Wire) {
  const [token = '', second] = response.getAll('state');
  const answer = [...response];
  const isKept =
    second === undefined && (await inTransaction(ctx, (tx) => keepAnswer(tx, { token, provider, answer })));
  if (!isKept) throw await refuseStranger(ctx, provider, { refused: 'oidc_state' });
  return reply.redirect(`/federation/${provider}/callback?state=${encodeURIComponent(token)}`, 303);
}

type Verdict = Verified<SocialIdentity> | Refusal;

/** What came back: to a sign-in, which has it now; or for an invitation or a link, which is for whoever calls this. */
export type TakenAnswer =
  | { readonly uid: string }
  | { readonly invitation: string; readonly verdict: Verdict }
  | { readonly link: OwnLink; readonly verdict: Verdict };

/** Takes a provider's answer, once, in the browser that left for it. */
export async function takeAnswer(
  ctx: Context,
  { provider, response }: Called,
  wire: Wire,
): Promise<TakenAnswer> {
  const { token, departure } = await takeDeparture(ctx, { provider, response }, wire);
  const { uid, invitation, link, clientId, forceAuthn, maxAge, ...memory } = departure.luggage;
  const answered = departure.answer
    ? new URLSearchParams(departure.answer.map(([...pair]) => pair))
    : response;
  const ask = { token, forceAuthn, ...(maxAge !== undefined && { maxAge }) };
  const verdict = await socialConnector.verify(ctx, provider, { response: answered, ask, memory });
  if (invitation !== undefined) return { invitation, verdict };
  if (link !== undefined) return { link, verdict };
  await inTransaction(ctx, async (tx) => {
    if (uid === undefined) return false;
    if (!isRefusal(verdict))
      return returnToSignIn(tx, uid, { at: 'returned_social', identity: verdict.identity });
    const caseId = newCaseId();
    await record(tx, ctx.log, { provider, refusal: verdict, caseId, clientId });
    const state: SignInState = socialFailed(caseId).state;
    return returnToSignIn(tx, uid, state);
  });
  return { uid: uid ?? '' };
}

/** Out before anything is asked of the provider, once, and for the browser that left by this very provider. */
async function takeDeparture(
  ctx: Context,
  { provider, response }: Called,
  wire: Wire,
): Promise<{ token: string; departure: SocialDeparture }> {
  const [token = '', second] = response.getAll('state');
  const waiting = second === undefined ? await findSocialDeparture(ctx, token) : undefined;
  if (waiting?.provider !== provider) throw await refuseStranger(ctx, provider, { refused: 'oidc_state' });
  const browser = readFederationBrowser(ctx.config, wire.request) ?? '';
  if (!isSameHash(hashToken(browser), waiting.browserHash))
    throw await refuseStranger(ctx, provider, { refused: 'other_browser' });
  const departure = await inTransaction(ctx, (tx) => consumeSocialDeparture(tx, { token, browser }));
  if (!departure) throw await refuseStranger(ctx, provider, { refused: 'response_replayed' });
  return { token, departure };
}

/** What belongs to no sign-in of this browser: shown here, under a case. */
async function refuseStranger(ctx: Context, provider: SocialProvider, refusal: Refusal): Promise<Failure> {
  await countUnexpected(ctx, provider);
  return refuse(ctx, { provider, refusal });
}

/** Writes a refusal down, under a case; answers the failure to throw. */
export async function refuse(ctx: Context, refused: Omit<Refused, 'caseId'>): Promise<Failure> {
  const caseId = newCaseId();
  await inTransaction(ctx, (tx) => record(tx, ctx.log, { ...refused, caseId }));
  return new Failure('social_sign_in_failed', { caseId });
}

interface Refused {
  readonly provider: SocialProvider;
  readonly refusal: Refusal;
  readonly caseId: string;
  readonly clientId?: string | undefined;
  readonly stage?: 'departure';
}

async function record(tx: Tx, log: Context['log'], refused: Refused): Promise<void> {
  const { provider, refusal, caseId, clientId, stage = 'response' } = refused;
  log.info({ provider, caseId, ...refusal }, 'a sign-in by a provider was refused');
  const details = { provider, code: refusal.refused, stage };
  await recordEvent(tx, { type: 'sign_in.refused', clientId, caseId, details });
}
