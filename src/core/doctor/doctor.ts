/**
 * The login doctor: what would happen if somebody signed in at a client now, by each of their ways, and where it would
 * stop. It asks the functions that a sign-in asks, in their order; it reads, and neither writes nor calls anybody.
 * Operators ask about everybody, an account's admin about that account's people.
 */
import type { Db } from '../../db/connect.ts';
import { parseEmail } from '../../kernel/email-address.ts';
import { checksOf, checksOfNoAddress } from './checks.ts';
import type { Check, Diagnosis, Verdict } from './diagnosis.ts';
import { loadFindings, type Question } from './findings.ts';
import { bestOf, walkAll } from './ways.ts';

export type { Question } from './findings.ts';
export {
  type Advice,
  type Check,
  type CheckName,
  checkNames,
  type CheckStatus,
  type Diagnosis,
  type DoctorCode,
  type Evidence,
  type Outcome,
  type Verdict,
  type Way,
} from './diagnosis.ts';

/**
 * Examines a sign-in without making it. With `within` whoever is neither a member of that account nor invited to it reads
 * like an address that nobody has, and nothing is told of other accounts.
 */
export async function diagnoseSignIn(db: Db, question: Question): Promise<Diagnosis> {
  const email = parseEmail(question.email);
  if (!email) {
    const verdict: Verdict = { outcome: 'cannot_prove', way: { kind: 'password' }, code: 'invalid_input' };
    return diagnosisOf(verdict, checksOfNoAddress(), [verdict]);
  }
  const findings = await loadFindings(db, question, email);
  const ways = walkAll(findings);
  const best = bestOf(ways);
  const verdicts = ways.map(({ verdict }) => verdict);
  return diagnosisOf(best.verdict, checksOf({ findings, ways, best }), verdicts);
}

function diagnosisOf(verdict: Verdict, checks: readonly Check[], ways: readonly Verdict[]): Diagnosis {
  return { verdict, firstFailure: checks.find(({ status }) => status === 'failed')?.name, checks, ways };
}
