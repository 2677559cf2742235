/**
 * Sign-ins as the rest of the house sees them: opened for the browser that started them, moved on in one
 * transaction, and finished towards the engine.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Interaction } from 'oidc-provider';
import { type Context, inTransaction, type Tx } from '../context.ts';
import { type ConnectionChoice, findLiveConnection, readMark } from '../core/connections/connections.ts';
import { amrOf, authTimeOf } from '../core/credentials/credentials.ts';
import { socialProviders } from '../core/identities/identities.ts';
import type { Outcome, SignIn, SignInState, Transition, ExpiredStep } from '../core/sign-in/sign-in.ts';
import { Failure } from '../kernel/failures.ts';
import type { ConnectionId, UserId } from '../kernel/ids.ts';
import { chooseLocale, preferredLocale } from '../kernel/locale.ts';
import { hashToken } from '../kernel/tokens.ts';
import { askAccess, entitlementIn } from './access.ts';
import { isInteractionGone, LostRace } from './errors.ts';
import { settleUnit } from './flush.ts';
import { saveGrant } from './grants.ts';
import type { AccessPrompt } from './policy.ts';
import type { Engine } from './provider.ts';
import { sessionKey } from './row-key.ts';
import { findInteraction, findInteractionClient, findSessionByUid, updateSignIn } from './session-queries.ts';
import { MovedOn, readInteraction, recordMove } from './interaction-store.ts';
import { singleFactor } from './settings.ts';
import { answerOf } from './statement.ts';
import { openUnit, readRow, type Unit } from './unit-of-work.ts';

export interface OpenedSignIn {
  readonly signIn: SignIn;
  /** Moves on by a transition: state, events, mails and the engine's part in one transaction, or not at all. */
  move(transition: Transition): Promise<SignIn>;
}

interface Request {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly uid: string;
}

/**
 * Opens the sign-in `uid` for this browser. Failure `interaction_expired` when it is unknown, finished, or was
 * started by another browser: whoever steals the address must not be able to finish it.
 */
export async function openSignIn(engine: Engine, ctx: Context, request: Request): Promise<OpenedSignIn> {
  const unit = openUnit(ctx);
  return engine.units.run(unit, async () => {
    const interaction = await engineInteraction(engine, request);
    const signIn = await signInOf({ engine, unit, interaction, req: request.req });
    return {
      signIn,
      move: (transition) =>
        engine.units.run(unit, () => move({ engine, unit, request, interaction, signIn, transition })),
    };
  });
}

/** The engine finds it by the cookie, not by the path: the two must agree. */
async function engineInteraction({ provider }: Engine, { req, res, uid }: Request): Promise<Interaction> {
  try {
    const interaction = await provider.interactionDetails(req, res);
    if (interaction.uid !== uid) throw new Failure('interaction_expired');
    return interaction;
  } catch (cause) {
    throw isInteractionGone(cause) ? new Failure('interaction_expired', { cause }) : cause;
  }
}

async function signInOf(parts: {
  engine: Engine;
  unit: Unit;
  interaction: Interaction;
  req: IncomingMessage;
}): Promise<SignIn> {
  const { engine, unit, interaction, req } = parts;
  const { db, now } = unit.ctx;
  const row = await readInteraction(unit, interaction.uid);
  const client = await engine.clients.find(String(interaction.params['client_id']));
  if (!row || !client) throw new Failure('interaction_expired');
  const sessionUid = interaction.session?.uid;
  const session =
    sessionUid === undefined
      ? undefined
      : await readRow(unit, sessionKey(sessionUid), () => findSessionByUid(db, sessionUid, now()));
  const userId = interaction.session?.accountId as UserId | undefined;
  return {
    uid: interaction.uid,
    state: (row.state as SignInState | null) ?? initialState(interaction),
    expiresAt: row.expiresAt,
    locale: localeOf(interaction, req),
    client: { ...client, startUrl: client.initiateLoginUri ?? client.homeUri },
    loginHint: interaction.params['login_hint'] as string | undefined,
    isNew: row.state === null,
    domainHint: (interaction.params['domain_hint'] as string | undefined)?.toLowerCase(),
    connectionHint: interaction.params['connection'] as ConnectionId | undefined,
    providers: socialProviders.filter((provider) => provider in unit.ctx.config.social),
    remembered: await findRemembered(unit),
    forceAuthn: asksForLogin(interaction),
    maxAge: interaction.params['max_age'] as number | undefined,
    account: interaction.params['account'] as string | undefined,
    session: userId && {
      userId,
      accountId: session?.accountId ?? undefined,
      evidence: session?.evidence ?? [],
    },
    location: interaction.returnTo,
  };
}

/** The company this browser came by last, while people may still come by it. */
async function findRemembered({ ctx }: Unit): Promise<ConnectionChoice | undefined> {
  const id = readMark(ctx.config, ctx.origin.rememberedCompany, ctx.now());
  const connection = id && (await findLiveConnection(ctx.db, id));
  return connection && { id: connection.id, label: connection.label };
}

function asksForLogin({ params }: Interaction): boolean {
  return ((params['prompt'] as string | undefined) ?? '').split(' ').includes('login');
}

/** What the client asks for (`ui_locales`, OpenID Connect Core §3.1.2.1), else what the browser prefers. */
function localeOf({ params }: Interaction, req: IncomingMessage): string {
  const asked = params['ui_locales'] as string | undefined;
  const browser = preferredLocale(req.headers['accept-language']);
  return asked === undefined ? browser : chooseLocale(...asked.split(' '), browser);
}

/** Where an interaction of each prompt begins. */
function initialState({ prompt, session, params }: Interaction): SignInState {
  switch (prompt.name) {
    case 'access': {
      const details = prompt.details as unknown as AccessPrompt;
      const subject = { userId: session?.accountId as UserId };
      return 'denial' in details
        ? { at: 'denied', subject, denial: details.denial, seatRequested: false }
        : { at: 'choose_account', subject, accounts: details.accounts };
    }
    case 'consent':
      return { at: 'consent', scopes: askedScopes(prompt.details, params) };
    default:
      return { at: 'identify' };
  }
}

/** What is not granted yet; or, where the client has the person asked again (`prompt=consent`), all that it asks for. */
function askedScopes(details: Interaction['prompt']['details'], params: Interaction['params']): string[] {
  const { missingOIDCScope = [], missingResourceScopes = {} } = details as {
    missingOIDCScope?: string[];
    missingResourceScopes?: Record<string, string[]>;
  };
  const missing = [...missingOIDCScope, ...Object.values(missingResourceScopes).flat()];
  const scope = params['scope'] as string | undefined;
  const asked = missing.length > 0 ? missing : (scope?.split(' ') ?? []);
  return [...new Set(asked)];
}

interface Move {
  readonly engine: Engine;
  readonly unit: Unit;
  readonly request: Request;
  readonly interaction: Interaction;
  readonly signIn: SignIn;
  readonly transition: Transition;
}

/**
 * A transition from a state that has moved on meanwhile (a double click, two tabs) changes nothing, and neither does one
 * whose grant has changed: the standing step is answered.
 */
async function move(parts: Move): Promise<SignIn> {
  const { engine, unit, request, interaction, signIn, transition } = parts;
  const row = await readInteraction(unit, interaction.uid);
  if (!row) throw new Failure('interaction_expired');
  if (transition.outcome) await tellEngine(parts, transition.outcome);
  recordMove(unit, interaction.uid, { version: row.version, state: transition.state });
  const { problem, write } = transition;
  if (write) unit.records.push(write);
  try {
    await settleUnit(unit);
  } catch (error) {
    if (!(error instanceof MovedOn || error instanceof LostRace)) throw error;
    // of two tries at once only one moves the sign-in, and both are on the audit trail
    if (problem && write) await inTransaction(unit.ctx, write);
    return (await openSignIn(engine, unit.ctx, request)).signIn;
  }
  return { ...signIn, state: transition.state };
}

/** Records the engine's part in the unit of work; nothing is written yet. */
async function tellEngine(
  { engine, unit, request, interaction, signIn }: Move,
  outcome: Outcome,
): Promise<void> {
  const { req, res } = request;
  switch (outcome.kind) {
    case 'signed_in': {
      const { userId: accountId, evidence, account } = outcome;
      const ts = authTimeOf(evidence);
      const login = { accountId, ts, amr: amrOf(evidence), acr: singleFactor, evidence, account };
      await engine.provider.interactionResult(req, res, { login }, { mergeWithLastSubmission: false });
      return;
    }
    case 'account_chosen':
      await engine.provider.interactionResult(req, res, { access: { account: outcome.account } });
      return;
    case 'consented':
      await engine.provider.interactionResult(req, res, {
        consent: { grantId: await grantConsent(engine, unit, { interaction, signIn }) },
      });
      return;
    case 'refused':
      await engine.provider.interactionResult(req, res, {
        error: 'access_denied',
        error_description: outcome.description,
      });
  }
}

/** Grants exactly what was missing and shown, in the account the session enters. */
async function grantConsent(
  { provider }: Engine,
  unit: Unit,
  { interaction, signIn }: Pick<Move, 'interaction' | 'signIn'>,
): Promise<string> {
  const { session, client } = signIn;
  if (!session) throw new Failure('interaction_expired');
  const { userId, accountId: preferred } = session;
  const { clientId } = client;
  const { evidence } = session;
  const answer = await askAccess(unit, { userId, clientId, account: signIn.account, preferred, evidence });
  const account = entitlementIn(answer)?.account.id;
  if (!account) throw new Failure('interaction_expired');
  const stored = interaction.grantId ? await provider.Grant.find(interaction.grantId) : undefined;
  const usable = stored && unit.grantAccounts.get(stored.jti) === account ? stored : undefined;
  const grant = usable ?? new provider.Grant({ accountId: userId, clientId });
  const details = interaction.prompt.details as {
    missingOIDCScope?: string[];
    missingOIDCClaims?: string[];
    missingResourceScopes?: Record<string, string[]>;
  };
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope);
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes);
  }
  return saveGrant(unit, grant, { account, evidence });
}

/**
 * Brings a verified identity, or the case of a refused one, to the sign-in of a browser that has just shown to be the one
 * that left. Writes nothing where the sign-in is over or has nobody to wait for any more; then it answers false.
 */
export async function returnToSignIn(tx: Tx, uid: string, state: SignInState): Promise<boolean> {
  const idHash = hashToken(uid);
  const row = await findInteraction(tx.db, idHash, tx.now());
  if (!row || row.finishedAt) return false;
  const standing = row.state as SignInState | null;
  // what was typed is still there when it does not succeed
  const typed = standing && 'email' in standing && { email: standing.email };
  // an identity that waits for this very sign-in goes on waiting, whatever comes of it
  const waiting = standing?.at === 'company' && standing.pending && { pending: standing.pending };
  const move = updateSignIn({ idHash, version: row.version, state: { ...state, ...typed, ...waiting } });
  return (await answerOf(tx.db, move)) !== undefined;
}

/** Where the person of an interaction that is over can start again, as far as it is still known. */
export async function findExpiredStep(engine: Engine, ctx: Context, uid: string): Promise<ExpiredStep> {
  const clientId = await findInteractionClient(ctx.db, hashToken(uid));
  const client = clientId ? await engine.clients.find(clientId) : undefined;
  if (!client) return { step: 'expired' };
  const startUrl = client.initiateLoginUri ?? client.homeUri;
  return {
    step: 'expired',
    client: { client_id: client.clientId, name: client.name },
    ...(startUrl && { start_url: startUrl }),
  };
}

/** The client of an interaction that can still be finished. It opens nothing: that needs the browser's cookie. */
export async function findOpenClientId(ctx: Context, uid: string): Promise<string | undefined> {
  const row = await findInteraction(ctx.db, hashToken(uid), ctx.now());
  return (row?.finishedAt ? undefined : row?.clientId) ?? undefined;
}
