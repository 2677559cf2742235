/** What must be so of any run, however short it is and whatever else the machine does: no wrong answer, no missing number. */
import { failuresOf, type Finding } from './findings.ts';

/** Wide: what the flows do today stands in the report, and a test of its own holds it. */
const statementsAtMost: Readonly<Record<string, number>> = {
  'client-credentials': 1,
  refresh: 12,
  introspection: 8,
  userinfo: 8,
  discovery: 1,
  jwks: 1,
  'single-sign-on': 20,
  password: 60,
};

/** Empty when all is well. */
export function smokeProblems(findings: readonly Finding[]): string[] {
  return findings.flatMap((finding) => {
    const name = 'name' in finding ? `${finding.kind} ${finding.name}` : finding.kind;
    const failed = failuresOf(finding);
    return [
      ...(failed > 0 ? [`${name}: ${failed} failed: ${JSON.stringify(finding)}`] : []),
      ...missingNumbers(finding).map((member) => `${name}: there is no ${member}`),
      ...tooManyStatements(finding),
    ];
  });
}

function tooManyStatements(finding: Finding): string[] {
  if (finding.kind !== 'flow' || !finding.alone) return [];
  const [limit, { statements }] = [statementsAtMost[finding.name] ?? Infinity, finding.alone];
  return statements > limit ? [`${finding.name}: ${statements} statements, not ${limit} at most`] : [];
}

/** By their paths. A ratio to nothing is no number: a slice that short may take less than the kernel counts in. */
function missingNumbers(value: unknown, path = ''): string[] {
  if (typeof value === 'number') return Number.isNaN(value) && !/Ratio|ratio/.test(path) ? [path] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inside]) =>
    missingNumbers(inside, path ? `${path}.${key}` : key),
  );
}
