/** Which grant an authorization rests on. The account belongs to the grant: another account is another grant. */
import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { AccountId } from '../kernel/ids.ts';
import type { Evidence } from '../core/credentials/credentials.ts';
import { askAtAuthorization, entitlementIn, evidenceAt } from './access.ts';
import { currentUnit, type Unit, type Units } from './unit-of-work.ts';

/**
 * The session's grant for this client, if it is for the account that is entered now. First-party clients get (or
 * widen) theirs without a question; a third-party client's question is the consent prompt.
 */
export function createLoadExistingGrant(units: Units) {
  return async (koa: KoaContextWithOIDC): Promise<Grant | undefined> => {
    const unit = currentUnit(units);
    const { client, session, provider } = koa.oidc;
    const account = entitlementIn(await askAtAuthorization(unit, koa))?.account.id;
    // nobody is granted anything before the access prompt has found an account
    if (!client || !session?.accountId || !account) return undefined;
    const id = koa.oidc.result?.consent?.grantId ?? session.grantIdFor(client.clientId);
    const stored = id ? await provider.Grant.find(id) : undefined;
    const existing = stored && unit.grantAccounts.get(stored.jti) === account ? stored : undefined;
    if (!client['first_party'] || koa.oidc.prompts.has('consent')) return existing;
    const grant = existing ?? new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    const evidence = await evidenceAt(unit, koa);
    const isOnNewProof = JSON.stringify(unit.grantEvidence.get(grant.jti)) !== JSON.stringify(evidence);
    if (widen(grant, koa) || isOnNewProof || !existing) await saveGrant(unit, grant, { account, evidence });
    return grant;
  };
}

/** Saves a grant with its account, which is set once, and with what it rests on: a refresh asks for it. */
export async function saveGrant(
  unit: Unit,
  grant: Grant,
  { account, evidence }: { readonly account: AccountId; readonly evidence: readonly Evidence[] },
): Promise<string> {
  const id = await grant.save();
  unit.grantAccounts.set(id, account);
  unit.grantEvidence.set(id, evidence);
  return id;
}

/** Adds what is asked for now; true when that changed anything. */
function widen(grant: Grant, { oidc }: KoaContextWithOIDC): boolean {
  const before = JSON.stringify([grant.openid, grant.resources]);
  grant.addOIDCScope([...oidc.requestParamOIDCScopes].join(' '));
  if (oidc.requestParamClaims.size > 0) grant.addOIDCClaims([...oidc.requestParamClaims]);
  for (const [resource, server] of Object.entries(oidc.resourceServers ?? {})) {
    const scopes = [...server.scopes].filter((scope) => oidc.requestParamScopes.has(scope));
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return JSON.stringify([grant.openid, grant.resources]) !== before;
}
