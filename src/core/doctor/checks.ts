/** The checks of a diagnosis, in the order in which a sign-in comes by what they look at. Pure. */
import { domainOf } from '../../kernel/email-address.ts';
import { adviceOn } from './advice.ts';
import { accountChecks } from './account-checks.ts';
import { connectionCheck, domainCheck } from './company-checks.ts';
import { type Check, type CheckName, checkNames } from './diagnosis.ts';
import { type Look, type Looked, nothingToSee } from './look.ts';
import { refusalOfClient } from './ways.ts';

/** What is wrong and keeps nobody out is a warning: `failed` is only said of a sign-in that fails. */
export function checksOf(looked: Looked): Check[] {
  const { findings, best } = looked;
  const { email, client } = findings;
  const looks: Readonly<Record<CheckName, Look>> = {
    email: { status: 'passed', evidence: { email, domain: domainOf(email) } },
    domain: domainCheck(looked),
    connection: connectionCheck(looked),
    user: userCheck(looked),
    credential: credentialCheck(looked),
    throttle: throttleCheck(looked),
    client: clientCheck(looked),
    ...accountChecks(looked),
    decision: decisionCheck(looked),
  };
  const { outcome, account } = best.verdict;
  const comesIn = outcome === 'allowed' || outcome === 'choose_account';
  return checkNames.map((name) => {
    const { status, code, evidence = {} } = looks[name];
    const shown = comesIn && status === 'failed' ? 'warning' : status;
    const remedies = code === undefined ? [] : adviceOn(code, { client, account });
    return { name, status: shown, ...(code !== undefined && { code }), evidence, remedies };
  });
}

/** Of an address that is none there is nothing else to be said. */
export function checksOfNoAddress(): Check[] {
  const code = 'invalid_input';
  const remedies = adviceOn(code, { client: undefined });
  return checkNames.map((name) =>
    name === 'email' || name === 'decision'
      ? { name, status: 'failed', code, evidence: {}, remedies }
      : { name, status: 'not_applicable', evidence: {}, remedies: [] },
  );
}

/** Nobody is fine where the company would make somebody of them; and so is an invitation that it would accept. */
function userCheck({ findings: { person }, ways }: Looked): Look {
  const company = ways.find(({ verdict, asked }) => verdict.way.kind === 'company' && asked);
  if (!person) {
    const evidence = { exists: false, would_be_created: company !== undefined };
    if (company) return { status: 'passed', evidence };
    const refusal = ways.find(({ verdict }) => verdict.code === 'not_provisioned')?.verdict.code;
    return { status: 'failed', code: refusal ?? 'invalid_credentials', evidence };
  }
  const { state, emailVerifiedAt } = person.user;
  const evidence = { exists: true, state, email_verified: emailVerifiedAt !== null };
  if (state === 'active') return { status: 'passed', evidence };
  return {
    status: 'failed',
    code: state === 'invited' ? 'user_not_activated' : 'user_deactivated',
    evidence,
  };
}

/** Whether there is any way for them to show who they are, but for being too many times wrong. */
function credentialCheck({ findings, ways }: Looked): Look {
  const { person, within } = findings;
  if (!person) return nothingToSee;
  const { hasPassword: password, providers, links, breaksGlass } = person;
  const evidence = {
    password,
    break_glass: breaksGlass,
    company: within === undefined ? links.length : links.length > 0,
    social: within === undefined ? providers : providers.length > 0,
  };
  const verdicts = ways.map(({ verdict }) => verdict).filter(({ outcome }) => outcome === 'cannot_prove');
  const hasWay = verdicts.length < ways.length || verdicts.some(({ code }) => code === 'throttled');
  const code = verdicts[0]?.code;
  return hasWay || code === undefined ? { status: 'passed', evidence } : { status: 'failed', code, evidence };
}

function throttleCheck({ findings: { throttle, within, person } }: Looked): Look {
  if (!throttle || (within !== undefined && !person)) return nothingToSee;
  const { wrong, retryAfter } = throttle;
  const throttled = retryAfter !== undefined;
  const evidence = {
    throttled,
    ...(within === undefined && { wrong_passwords: wrong, ...(throttled && { retry_after: retryAfter }) }),
  };
  return throttled ? { status: 'failed', code: 'throttled', evidence } : { status: 'passed', evidence };
}

function clientCheck({ findings }: Looked): Look {
  const { client, unknownScopes, within } = findings;
  const code = refusalOfClient(findings);
  if (!client) return { status: 'failed', ...(code && { code }), evidence: { exists: false } };
  const { name, product, requiredRole, grantTypes, redirectUris, scopes, firstParty } = client;
  const evidence = {
    exists: true,
    name,
    product: product?.slug ?? null,
    required_role: requiredRole,
    first_party: firstParty,
    // how it is set up is the operator's business
    ...(within === undefined && {
      grant_types: grantTypes,
      redirect_uris: redirectUris,
      scopes,
      unknown_scopes: unknownScopes,
    }),
  };
  if (code) return { status: 'failed', code, evidence };
  return { status: within === undefined && unknownScopes.length > 0 ? 'warning' : 'passed', evidence };
}

function decisionCheck({ best: { verdict } }: Looked): Look {
  const { outcome, code, way, account, accounts } = verdict;
  const evidence = {
    outcome,
    way: way.kind,
    ...(account && { account: { ...account } }),
    ...(accounts && { accounts: accounts.map((one) => ({ ...one })) }),
  };
  return code === undefined ? { status: 'passed', evidence } : { status: 'failed', code, evidence };
}
