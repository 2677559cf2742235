import { type Check, type Diagnosis, diagnoseSignIn, type Verdict, type Way } from '../core/doctor/doctor.ts';
import { inSnakeCase } from './answer.ts';
import type { Command } from './command.ts';

/** Why somebody cannot get in. */
export const doctorCommands: Readonly<Record<string, Command>> = {
  'doctor sign-in': {
    words: '<email> <client>',
    options: { account: '<id or slug>' },
    about: 'What a sign-in would come to, and why.',
    example: 'doctor sign-in ada@acme.example assist --account acme',
    endsWith1: 'when they would not get in',
    async run({ db, config, now }, given) {
      const [email = '', clientId = ''] = given.words;
      const account = given.one('account');
      const diagnosis = await diagnoseSignIn(db, { email, clientId, account, config, now: now() });
      return {
        text: textOf(diagnosis),
        data: dataOf(diagnosis),
        exitCode: comesIn(diagnosis.verdict) ? 0 : 1,
      };
    },
  },
};

function dataOf({ verdict, checks, ways, firstFailure }: Diagnosis): object {
  return {
    verdict: inSnakeCase(verdict),
    first_failure: firstFailure ?? null,
    checks: checks.map(inSnakeCase),
    ways: ways.map(inSnakeCase),
  };
}

function comesIn({ outcome }: Verdict): boolean {
  return outcome === 'allowed' || outcome === 'choose_account';
}

function textOf({ verdict, checks, ways, firstFailure }: Diagnosis): string {
  const failed = checks.find(({ name }) => name === firstFailure);
  const sections = [
    checks.map(lineOfCheck).join('\n'),
    ['Ways in:', ...ways.map((way) => `  ${lineOfVerdict(way)}`)].join('\n'),
    lineOfVerdict(verdict),
    failed && [`It fails at: ${failed.name}`, ...remediesOf(failed)].join('\n'),
  ];
  return sections.filter((section) => section !== undefined).join('\n\n');
}

const signs: Readonly<Record<Check['status'], string>> = {
  passed: '✓',
  failed: '✗',
  warning: '!',
  not_applicable: '-',
};

function lineOfCheck({ name, status, code, evidence }: Check): string {
  const facts = Object.entries(evidence).map(([fact, value]) => `${fact}: ${shown(value)}`);
  const parts = [code, facts.join(', ')].filter((part) => part !== undefined && part !== '');
  return [signs[status], name.padEnd(12), parts.join('  ')].join(' ').trimEnd();
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function lineOfVerdict({ way, outcome, code, account, accounts, dependsOnGroups }: Verdict): string {
  const where = account?.name ?? accounts?.map(({ name }) => name).join(', ');
  const said = [outcome, code, where && `(${where})`, dependsOnGroups && 'if the groups say nothing else'];
  return `by ${nameOf(way)}: ${said.filter(Boolean).join(' ')}`;
}

function nameOf(way: Way): string {
  if (way.kind === 'company') return `${way.connection.label} (${way.connection.id})`;
  return way.kind === 'social' ? (way.provider ?? way.kind) : way.kind;
}

function remediesOf({ remedies }: Check): string[] {
  return remedies.map(({ who, text, href }) => `  ${who}: ${text}${href === undefined ? '' : ` ${href}`}`);
}
