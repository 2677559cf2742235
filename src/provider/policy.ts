/** When the engine must ask a person: login, then access (ours), then consent. */
import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import type { AccountChoice } from '../core/access/access.ts';
import type { StoredDenial } from '../core/sign-in/sign-in.ts';
import { askAtAuthorization, recordDenial } from './access.ts';
import { accountMustBeChosen, refusedAtAuthorization, unmetAuthentication } from './errors.ts';
import { acrValues } from './settings.ts';
import { currentUnit, type Units } from './unit-of-work.ts';

const { Check, Prompt, base } = interactionPolicy;

/** What an interaction of the prompt `access` is opened with. */
export type AccessPrompt =
  { readonly accounts: readonly AccountChoice[] } | { readonly denial: StoredDenial };

export function createPolicy(units: Units): interactionPolicy.DefaultPolicy {
  const policy = base();
  const login = policy.get('login');
  const consent = policy.get('consent');
  if (!login || !consent) throw new Error('the engine has no login and consent prompts');
  // without this a session whose user is gone is a TypeError inside the engine, and so a 500
  login.checks.add(
    new Check('user_gone', 'the signed-in user does not exist any more', 'login_required', isUserGone),
  );
  login.checks.add(
    new Check(
      'other_company',
      'the session is the company sign-in of another account',
      'login_required',
      createReauthenticationCheck(units),
    ),
  );
  login.checks.add(
    new Check(
      'unmet_acr',
      'none of the requested acr values can be provided',
      'unmet_authentication_requirements',
      refuseUnmetAcr,
    ),
  );
  policy.add(new Prompt({ name: 'access', requestable: false }, createAccessCheck(units)), 1);
  consent.checks.remove('native_client_prompt');
  consent.checks.add(
    new Check(
      'third_party_native',
      'native clients of others require the person',
      'interaction_required',
      isForeignNative,
    ),
  );
  return policy;
}

/**
 * An essential `acr` that no sign-in here yields is a failed authentication (OpenID Connect Core §5.5.1.1), and is answered
 * before anybody is asked: a person could sign in for ever. What can be given is left to the engine's own checks.
 */
function refuseUnmetAcr({ oidc }: KoaContextWithOIDC): boolean {
  const { essential, value, values } = oidc.claims.id_token?.['acr'] ?? {};
  if (!essential) return Check.NO_NEED_TO_PROMPT;
  const isKnown = (acr: unknown) => acrValues.includes(acr as string);
  if (Array.isArray(values) && !values.some(isKnown)) throw unmetAuthentication();
  if (value && !isKnown(value)) throw unmetAuthentication();
  return Check.NO_NEED_TO_PROMPT;
}

function isUserGone({ oidc }: KoaContextWithOIDC): boolean {
  return Boolean(oidc.session?.accountId) && !oidc.entities.Account;
}

/** One account's identity provider cannot vouch for anybody in another account: a proof of their own is asked for. */
function createReauthenticationCheck(units: Units) {
  return async (koa: KoaContextWithOIDC): Promise<boolean> => {
    // somebody who is gone is the check before this one
    if (!koa.oidc.entities.Account) return Check.NO_NEED_TO_PROMPT;
    const answer = await askAtAuthorization(currentUnit(units), koa);
    return answer?.decision.outcome === 'reauthenticate' ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
  };
}

/** Anybody can claim the loopback redirect of a native client, so a silent answer is for our own only (RFC 8252 §8.6). */
function isForeignNative({ oidc }: KoaContextWithOIDC): boolean {
  return oidc.client?.applicationType === 'native' && !oidc.client['first_party'] && !oidc.result?.consent;
}

/**
 * On an existing session the decision is asked again for every client. With `prompt=none` the client hears the
 * reason at once; otherwise the person gets the page that explains it, and what it shows is stored with the prompt.
 */
function createAccessCheck(units: Units): interactionPolicy.Check {
  const check = async (koa: KoaContextWithOIDC): Promise<boolean> => {
    const unit = currentUnit(units);
    const answer = await askAtAuthorization(unit, koa);
    if (!answer || answer.decision.outcome === 'allow') return Check.NO_NEED_TO_PROMPT;
    if (answer.decision.outcome === 'reauthenticate') return Check.NO_NEED_TO_PROMPT; // the prompt before this one
    if (!koa.oidc.promptPending('none')) return Check.REQUEST_PROMPT;
    if (answer.decision.outcome === 'choose') throw accountMustBeChosen();
    const { code, text, caseId } = recordDenial(unit, 'sign_in.denied', answer);
    throw refusedAtAuthorization(code, text, caseId);
  };
  const details = async (koa: KoaContextWithOIDC): Promise<AccessPrompt | undefined> => {
    const unit = currentUnit(units);
    const answer = await askAtAuthorization(unit, koa);
    if (!answer || answer.decision.outcome === 'allow' || answer.decision.outcome === 'reauthenticate')
      return undefined;
    if (answer.decision.outcome === 'choose') return { accounts: answer.decision.accounts };
    const { code, caseId } = recordDenial(unit, 'sign_in.denied', answer);
    const { account } = answer.decision;
    const email = code === 'sso_required' && { email: answer.facts.user.email };
    return { denial: { code, caseId, ...(account && { account }), ...email } };
  };
  return new Check(
    'access',
    'the person must choose an account or is refused',
    'interaction_required',
    check,
    details,
  );
}
