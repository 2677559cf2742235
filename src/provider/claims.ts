/** Users as the engine sees them, and what tokens say of them. */
import type { Account, AccountClaims, ClaimsParameter, FindAccount, KoaContextWithOIDC } from 'oidc-provider';
import type { AccessAnswer } from '../core/access/access.ts';
import { askAtAuthorization, askForGrant, entitlementIn, recordDenial } from './access.ts';
import { endOf } from '../core/credentials/credentials.ts';
import { earliest } from '../kernel/time.ts';
import { anotherProofNeeded, invalidAccessToken, refusedAtToken } from './errors.ts';
import { currentUnit, type Unit, type Units } from './unit-of-work.ts';

/** The claims by scope (OpenID Connect Core §5.4); ours ride with `openid`. */
export const claimsByScope = {
  openid: ['sub', 'sid', 'auth_time', 'acr', 'amr', 'account', 'role', 'products'],
  profile: ['name', 'locale', 'updated_at'],
  email: ['email', 'email_verified'],
};

/**
 * The engine asks for the user at every authorization, exchange, refresh and userinfo. Where something was issued
 * already, this is where the access decision is asked again: what is refused now gets nothing more.
 */
export function createFindAccount(units: Units): FindAccount {
  return async (koa, sub, token) => {
    const unit = currentUnit(units);
    if (!token) {
      const answer = await askAtAuthorization(unit, koa);
      return answer && accountOf(answer, koa);
    }
    const grantId = 'grantId' in token ? String(token.grantId) : '';
    const answer = await askForGrant(unit, { userId: sub, clientId: String(token.clientId), grantId });
    if (!answer) return undefined;
    if (answer.decision.outcome !== 'allow') throw refusal(unit, koa, answer);
    unit.until = earliest(answer.decision.entitlement.until, endOf(unit.grantEvidence.get(grantId) ?? []));
    return accountOf(answer, koa);
  };
}

function refusal(unit: Unit, koa: KoaContextWithOIDC, answer: AccessAnswer): Error {
  if (answer.decision.outcome === 'reauthenticate') return anotherProofNeeded();
  const { code, text, caseId } = recordDenial(unit, 'token.refused', answer);
  return koa.oidc.route === 'userinfo' ? invalidAccessToken(code) : refusedAtToken(code, text, caseId);
}

function accountOf(answer: AccessAnswer, koa: KoaContextWithOIDC): Account {
  const { user } = answer.facts;
  return {
    accountId: user.id,
    claims: (_use: string, _scope: string, _claims: ClaimsParameter): AccountClaims => ({
      sub: user.id,
      name: user.name ?? undefined,
      locale: user.locale ?? undefined,
      updated_at: Math.floor(user.updatedAt.getTime() / 1000),
      email: user.email,
      email_verified: user.emailVerified,
      amr: evidenceOf(koa)?.amr,
      ...entitlementClaims(answer),
    }),
  };
}

/** What the user holds in the account of the grant. */
export function entitlementClaims(answer: AccessAnswer | undefined) {
  const entitlement = entitlementIn(answer);
  return entitlement
    ? { account: entitlement.account.id, role: entitlement.role, products: [...entitlement.products] }
    : {};
}

/** What the session was proven with, as the code or the refresh token carries it: never what somebody sent. */
export function evidenceOf(koa: KoaContextWithOIDC) {
  const { AuthorizationCode: code, RefreshToken: refreshToken, AccessToken: accessToken } = koa.oidc.entities;
  const source = code ?? refreshToken;
  if (source) return { amr: source.amr, acr: source.acr, auth_time: source.authTime, sid: source.sid };
  return accessToken?.extra as { amr?: string[] } | undefined;
}
