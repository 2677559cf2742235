/** The access decision inside the engine's requests: asked once for each question, whoever in the request asks it. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import {
  type AccessAnswer,
  type AccessFacts,
  decideAccess,
  type Entitlement,
  explainDenial,
  loadAccessFacts,
} from '../core/access/access.ts';
import type { EventType } from '../core/audit/audit.ts';
import { type Evidence, mergeEvidence } from '../core/credentials/credentials.ts';
import { type AccountId, newCaseId, type UserId } from '../kernel/ids.ts';
import { readGrant } from './grant-store.ts';
import type { SignInResult } from './sign-in-result.ts';
import { loadedSession } from './session-store.ts';
import { factsKey } from './standing.ts';
import type { Unit } from './unit-of-work.ts';

interface Asked {
  readonly evidence: readonly Evidence[];
  readonly userId: string;
  readonly clientId: string;
  readonly account?: string | undefined;
  readonly preferred?: AccountId | undefined;
}

export function askAccess(unit: Unit, asked: Asked): Promise<AccessAnswer | undefined> {
  const key = JSON.stringify([asked.userId, asked.clientId, asked.account, asked.preferred, asked.evidence]);
  let answer = unit.access.get(key);
  if (!answer) {
    answer = decide(unit, asked);
    unit.access.set(key, answer);
  }
  return answer;
}

async function decide(unit: Unit, asked: Asked): Promise<AccessAnswer | undefined> {
  const facts = await factsOf(unit, asked);
  return facts && { facts, decision: decideAccess(facts, { ...asked, now: unit.ctx.now() }) };
}

/** Read once a request, mostly together with what the question is about (standing.ts). */
function factsOf(unit: Unit, { userId, clientId }: Asked): Promise<AccessFacts | undefined> {
  const key = factsKey(userId, clientId);
  let facts = unit.facts.get(key);
  if (!facts) {
    facts = loadAccessFacts(unit.ctx.db, { userId, clientId });
    unit.facts.set(key, facts);
  }
  return facts;
}

/** At the authorization endpoint: the account asked for, else the one chosen in this interaction, else the session's. */
export async function askAtAuthorization(
  unit: Unit,
  koa: KoaContextWithOIDC,
): Promise<AccessAnswer | undefined> {
  const { session, client, params } = koa.oidc;
  if (!session?.accountId || !client) return undefined;
  const result = koa.oidc.result as unknown as SignInResult | undefined;
  const stored = await loadedSession(unit, session.uid);
  return askAccess(unit, {
    userId: session.accountId,
    clientId: client.clientId,
    evidence: await evidenceAt(unit, koa),
    account: params?.['account'] as string | undefined,
    preferred: result?.access?.account ?? result?.login?.account ?? stored?.accountId ?? undefined,
  });
}

/** What the session rests on, with what this interaction has just proven. Nobody else's proofs: the user may have changed. */
export async function evidenceAt(unit: Unit, { oidc }: KoaContextWithOIDC): Promise<readonly Evidence[]> {
  const result = oidc.result as unknown as SignInResult | undefined;
  const fresh = result?.login?.evidence ?? [];
  const { session } = oidc;
  const stored = session && (await loadedSession(unit, session.uid));
  const isSamePerson = stored?.payload['accountId'] === session?.accountId;
  return mergeEvidence(fresh, isSamePerson ? (stored?.evidence ?? []) : []);
}

/** For what was issued on a grant: the account belongs to the grant, and no other will do. */
export async function askForGrant(
  unit: Unit,
  issued: { readonly userId: string; readonly clientId: string; readonly grantId: string },
): Promise<AccessAnswer | undefined> {
  const grant = await readGrant(unit, issued.grantId);
  if (!grant?.accountId) return undefined;
  return askAccess(unit, { ...issued, account: grant.accountId, evidence: grant.evidence ?? [] });
}

export interface Denial {
  readonly code: Extract<AccessAnswer['decision'], { outcome: 'deny' }>['code'];
  readonly text: string;
  readonly caseId: string;
}

/** Names the denial and puts it on the audit trail, under the case id the client and the person are told. */
export function recordDenial(unit: Unit, type: EventType, { facts, decision }: AccessAnswer): Denial {
  // of several accounts that would do none is refused: only an answer for one account comes here
  if (decision.outcome !== 'deny') throw new Error('only a denial can be recorded as one');
  const caseId = newCaseId();
  const { code, account } = decision;
  const userId: UserId = facts.user.id;
  unit.ctx.log.info({ code, caseId, clientId: facts.client.clientId }, 'access denied');
  unit.events.push({
    type,
    actorId: userId,
    userId,
    accountId: account?.id,
    clientId: facts.client.clientId,
    caseId,
    details: { code },
  });
  return { code, text: explainDenial(code, { client: facts.client, account }).text, caseId };
}

/** The entitlement of an allowing answer, else undefined. */
export function entitlementIn(answer: AccessAnswer | undefined): Entitlement | undefined {
  return answer?.decision.outcome === 'allow' ? answer.decision.entitlement : undefined;
}
