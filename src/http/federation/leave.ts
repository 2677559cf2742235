/** Sends a browser to an identity provider: what is remembered of it is written with the state of its sign-in. */
import type { Context, Tx } from '../../context.ts';
import { type Purpose, type Refusal, refuseAttempt, startAttempt } from '../../core/attempts/attempts.ts';
import { type Connection, findLiveConnection } from '../../core/connections/connections.ts';
import { storeDeparture } from '../../core/departures/departures.ts';
import { isSocialProvider } from '../../core/identities/identities.ts';
import {
  companyFailed,
  type Leaving,
  type SignIn,
  type Transition,
  waitingIn,
} from '../../core/sign-in/sign-in.ts';
import { isRefusal } from '../../federation/connector.ts';
import { Failure } from '../../kernel/failures.ts';
import { newCaseId } from '../../kernel/ids.ts';
import { newToken } from '../../kernel/tokens.ts';
import { keepFederationBrowser } from '../company-cookies.ts';
import type { Wire } from '../route.ts';
import { depart } from './connectors.ts';
import { leaveForProvider } from './social.ts';

/** The transition of somebody who leaves, or of an identity provider that cannot be reached. */
export async function leaveBy(
  ctx: Context,
  { signIn, leaving }: { readonly signIn: SignIn; readonly leaving: Leaving },
  wire: Wire,
): Promise<Transition> {
  const { leaveBy: by, email } = leaving;
  if (isSocialProvider(by)) return leaveForProvider(ctx, { signIn, provider: by }, wire);
  const connection = await findLiveConnection(ctx.db, by);
  // switched off since it was offered
  if (!connection) throw new Failure('action_not_available');
  const { uid, forceAuthn, maxAge, client } = signIn;
  const loginHint = email ?? signIn.loginHint;
  const asked = { forceAuthn, maxAge, loginHint };
  const journey = { uid, clientId: client.clientId, purpose: 'sign_in', ...asked } as const;
  const left = await setOut(ctx, { connection, journey, wire });
  const { write } = left;
  if ('caseId' in left) return { ...companyFailed(left.caseId, { email, ...waitingIn(signIn) }), write };
  const state =
    email === undefined ? signIn.state : ({ at: 'company', email, ...waitingIn(signIn) } as const);
  return { state, write, leaveFor: left.location };
}

export interface Journey {
  readonly uid?: string;
  readonly clientId?: string;
  readonly purpose: Extract<Purpose, 'sign_in' | 'test'>;
  readonly forceAuthn: boolean;
  readonly maxAge?: number | undefined;
  readonly loginHint?: string | undefined;
}

interface SetOut {
  readonly connection: Connection;
  readonly journey: Journey;
  readonly wire: Wire;
}

/** What is to be written before the browser may leave; or the case of a company that cannot be reached. */
type Left = { readonly write: (tx: Tx) => Promise<void> } & (
  { readonly location: string } | { readonly caseId: string }
);

export async function setOut(ctx: Context, { connection, journey, wire }: SetOut): Promise<Left> {
  const { token } = newToken();
  const { forceAuthn, maxAge, loginHint } = journey;
  const way = await depart(ctx, connection, { token, forceAuthn, maxAge, loginHint });
  if (isRefusal(way)) return unreachable(ctx, { connection, journey, wire }, way);
  const browser = keepFederationBrowser(ctx, wire);
  const form = way.form && { form: { action: way.location, fields: way.form } };
  const { id: connectionId, revision } = connection;
  const { uid, purpose } = journey;
  return {
    location: form
      ? `${ctx.config.issuer}/federation/${connectionId}/start?departure=${token}`
      : way.location,
    write: async (tx) => {
      const attemptId = await startAttempt(tx, attemptOf({ connection, journey }));
      const luggage = {
        ...way.memory,
        ...form,
        forceAuthn,
        ...(uid !== undefined && { uid }),
        ...(maxAge !== undefined && { maxAge }),
      };
      await storeDeparture(tx, { token, connectionId, revision, purpose, attemptId, browser, luggage });
    },
  };
}

function unreachable(ctx: Context, { connection, journey }: SetOut, refusal: Refusal): Left {
  const caseId = newCaseId();
  const { id: connectionId } = connection;
  ctx.log.warn({ ...refusal, connectionId, caseId }, 'an identity provider cannot be asked');
  return {
    caseId,
    write: async (tx) => {
      const attemptId = await startAttempt(tx, attemptOf({ connection, journey }));
      const { clientId } = journey;
      await refuseAttempt(tx, { attemptId, connectionId, stage: 'departure', refusal, caseId, clientId });
    },
  };
}

function attemptOf({ connection, journey }: Pick<SetOut, 'connection' | 'journey'>) {
  const { id: connectionId, accountId } = connection;
  return { accountId, connectionId, purpose: journey.purpose, clientId: journey.clientId };
}
