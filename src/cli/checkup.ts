/** doorward doctor: whether this deployment is well, and what to do where it is not. */
import type { Finding } from './checkup/finding.ts';
import type { LoneCommand } from './command.ts';

export const checkup: LoneCommand = {
  flags: ['json'],
  about: 'Looks whether the deployment is well, and says what to do. It changes nothing and sends no mail.',
  example: 'doctor --json',
  endsWith1: 'when something is wrong (✗)',
  async runAlone() {
    // here, since it looks at everything there is: no other command should wait for that to be loaded
    const { examine } = await import('./checkup/examine.ts');
    const checks = await examine();
    const isWell = checks.every(({ status }) => status !== 'failed');
    return { text: textOf(checks), data: { ok: isWell, checks }, exitCode: isWell ? 0 : 1 };
  },
};

const signs: Readonly<Record<Finding['status'], string>> = {
  passed: '✓',
  warning: '!',
  failed: '✗',
  skipped: '-',
};

function textOf(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ name, status, found, remedy }) => [
    `${signs[status]} ${name.padEnd(16)} ${found}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(19)}→ ${remedy}`]),
  ]);
  return lines.join('\n');
}
