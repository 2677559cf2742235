/** Every way in that somebody could take, and what would become of it: decided by the functions that a sign-in asks. Pure. */
import { type AccessFacts, decideAccess } from '../access/access.ts';
import { type Connection, usableCertificates } from '../connections/connections.ts';
import type { Evidence } from '../credentials/credentials.ts';
import type { SocialProvider } from '../identities/identities.ts';
import { decideLink } from '../linking/linking.ts';
import { refusalOfPassword } from '../sign-in/sign-in.ts';
import type { Company } from './companies.ts';
import type { DoctorCode, Verdict, Way } from './diagnosis.ts';
import type { Findings, Person } from './findings.ts';

/** A verdict, with what the access decision was asked. */
export interface Walked {
  readonly verdict: Verdict;
  readonly asked?: { readonly facts: AccessFacts; readonly evidence: readonly Evidence[] };
}

/** In the order in which they are recommended; the password is always among them. */
export function walkAll(findings: Findings): readonly [Walked, ...Walked[]] {
  const { person, home, companies } = findings;
  const password = walkPassword(findings);
  const others = [
    ...companies.ways.map((company) => walkCompany(findings, company)),
    ...(person ? walkSocial(findings, person) : []),
  ];
  const isUsual = person?.hasPassword && (home.requiredBy === undefined || person.breaksGlass);
  if (isUsual) return [password, ...others];
  const [first, ...more] = [...others, password];
  return [first, ...more];
}

const ranks: Readonly<Record<Verdict['outcome'], number>> = {
  allowed: 0,
  choose_account: 1,
  denied: 2,
  cannot_prove: 3,
};

/** The way that leads furthest; of several the one that is recommended first. */
export function bestOf([first, ...others]: readonly [Walked, ...Walked[]]): Walked {
  return others.reduce(
    (best, one) => (ranks[one.verdict.outcome] < ranks[best.verdict.outcome] ? one : best),
    first,
  );
}

/** Why the client gets no answer for anybody, if it does not. */
export function refusalOfClient({ client }: Findings): DoctorCode | undefined {
  if (!client) return 'invalid_client';
  if (client.redirectUris.length === 0) return 'invalid_redirect_uri';
  return client.grantTypes.includes('authorization_code') ? undefined : 'unauthorized_client';
}

function walkPassword(findings: Findings): Walked {
  const { person, home, throttle, now } = findings;
  const way: Way = { kind: 'password' };
  const refused = refusalOfClient(findings);
  if (refused) return { verdict: { outcome: 'denied', way, code: refused } };
  if (throttle?.retryAfter !== undefined) return cannotProve(way, 'throttled');
  const isProven = person?.hasPassword === true;
  const refusal = refusalOfPassword(home, { isProven, breaksGlass: person?.breaksGlass === true });
  if (refusal) return cannotProve(way, refusal);
  const evidence: Evidence[] = [{ method: 'pwd', at: now.toISOString() }];
  return ask(findings, way, { facts: person?.facts, evidence });
}

function walkCompany(findings: Findings, { connection, foreseen }: Company): Walked {
  const { id, label, accountId, mapping } = connection;
  const { now } = findings;
  const way: Way = { kind: 'company', connection: { id, label, accountId } };
  const refused = refusalOfClient(findings);
  if (refused) return { verdict: { outcome: 'denied', way, code: refused } };
  if (hasOnlyExpired(connection, now)) return cannotProve(way, 'saml_certificate_expired');
  if (!foreseen) return cannotProve(way, 'connection_not_available');
  if ('refused' in foreseen) return cannotProve(way, foreseen.refused as DoctorCode);
  const at = now.toISOString();
  const evidence: Evidence[] = [{ method: 'fed', at, accountId, connectionId: id, amr: [] }];
  const walked = ask(findings, way, { facts: foreseen.facts, evidence });
  const follows = mapping.groups !== null && foreseen.does !== 'leave';
  return follows ? { ...walked, verdict: { ...walked.verdict, dependsOnGroups: true } } : walked;
}

/** Whatever it signs with is refused. */
export function hasOnlyExpired(connection: Connection, now: Date): boolean {
  if (connection.kind !== 'saml' || !connection.settings.refuseExpiredCertificates) return false;
  return usableCertificates(connection.published, now).every(({ notAfter }) => new Date(notAfter) <= now);
}

/** One for each provider; for an account's admin one for all, which end alike. */
function walkSocial(findings: Findings, person: Person): Walked[] {
  const { within, providersOn } = findings;
  if (within === undefined)
    return person.providers.map((provider) => walkProvider(findings, person, provider));
  const [first] = [...person.providers].sort(
    (a, b) => Number(providersOn.includes(b)) - Number(providersOn.includes(a)),
  );
  if (!first) return [];
  const walked = walkProvider(findings, person, first);
  return [{ ...walked, verdict: { ...walked.verdict, way: { kind: 'social' } } }];
}

function walkProvider(findings: Findings, { user, facts }: Person, provider: SocialProvider): Walked {
  const { email, home, now, providersOn } = findings;
  const way: Way = { kind: 'social', provider };
  const refused = refusalOfClient(findings);
  if (refused) return { verdict: { outcome: 'denied', way, code: refused } };
  if (!providersOn.includes(provider)) return cannotProve(way, 'social_sign_in_failed');
  const requiresCompany = home.requiredBy !== undefined;
  const decision = decideLink({
    known: { userId: user.id, requiresCompany },
    email,
    emailTrust: 'none',
    emailProven: false,
    requiresCompany,
    user: { id: user.id, state: user.state, isEmailProven: user.emailVerifiedAt !== null },
    isSignUpOpen: false,
  });
  if (decision.does !== 'sign_in') return cannotProve(way, 'sso_required');
  const evidence: Evidence[] = [{ method: 'social', at: now.toISOString(), provider, amr: [] }];
  return ask(findings, way, { facts, evidence });
}

function cannotProve(way: Way, code: DoctorCode): Walked {
  return { verdict: { outcome: 'cannot_prove', way, code } };
}

interface Proven {
  readonly facts: AccessFacts | undefined;
  readonly evidence: readonly Evidence[];
}

function ask({ account, now }: Findings, way: Way, { facts, evidence }: Proven): Walked {
  if (!facts) throw new Error('nobody is let in without facts');
  return { verdict: judge(way, decideAccess(facts, { now, account, evidence })), asked: { facts, evidence } };
}

function judge(way: Way, decision: ReturnType<typeof decideAccess>): Verdict {
  switch (decision.outcome) {
    case 'allow':
      return { outcome: 'allowed', way, account: decision.entitlement.account };
    case 'choose':
      return { outcome: 'choose_account', way, accounts: decision.accounts };
    case 'reauthenticate':
      return { outcome: 'cannot_prove', way, code: 'another_proof_needed', account: decision.account };
    case 'deny': {
      const { code, account } = decision;
      return { outcome: 'denied', way, code, ...(account && { account }) };
    }
  }
}
