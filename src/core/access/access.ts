/**
 * The access decision: may this user use this client, in which account, now, and if not, why and who can help.
 * Asked at every authorization, every refresh, every introspection; never answered anywhere else.
 */
import type { Db } from '../../db/connect.ts';
import { decideAccess, type AccessQuestion, type Decision } from './decide.ts';
import { loadAccessFacts, type AccessFacts } from './facts.ts';

export { decideAccess, denialCodes, examineAccount } from './decide.ts';
export type {
  AccountChoice,
  AccessQuestion,
  AccountStage,
  Decision,
  DenialCode,
  Entitlement,
} from './decide.ts';
export { describeDenial, explainDenial, type Explanation, type Remedy } from './explain.ts';
export {
  loadAccessFacts,
  loadProspectFacts,
  readAccessFacts,
  selectAccessFacts,
  type AccessFacts,
  type AccountFacts,
} from './facts.ts';

export interface AccessAnswer {
  readonly facts: AccessFacts;
  readonly decision: Decision;
}

/** Loads the facts in one statement and decides; undefined when the user or the client does not exist. */
export async function findAccess(
  db: Db,
  question: AccessQuestion & { readonly userId: string; readonly clientId: string },
): Promise<AccessAnswer | undefined> {
  const facts = await loadAccessFacts(db, question);
  return facts && { facts, decision: decideAccess(facts, question) };
}
