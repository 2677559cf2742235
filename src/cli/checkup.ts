/** doorward doctor: whether this deployment is well, and what to do where it is not. It changes nothing. */
import { pino } from 'pino';
import type { Context } from '../context.ts';
import { isDatabaseReachable } from '../db/health.ts';
import { readConfiguration } from './checkup/configuration.ts';
import { connectionChecks } from './checkup/connections.ts';
import { databaseChecks } from './checkup/database.ts';
import { type Check, failed, type Finding, reasonOf } from './checkup/finding.ts';
import { issuerChecks } from './checkup/issuer.ts';
import { keyChecks } from './checkup/keys.ts';
import { machineChecks } from './checkup/machine.ts';
import { mailChecks } from './checkup/mail.ts';
import { pruningChecks } from './checkup/pruning.ts';
import type { LoneCommand, Printed } from './command.ts';
import { openCommandContext } from './context.ts';
import { readGiven } from './given.ts';

const checks: readonly Check[] = [
  ...databaseChecks,
  ...keyChecks,
  ...issuerChecks,
  ...mailChecks,
  ...connectionChecks,
  ...machineChecks,
  ...pruningChecks,
];

export const checkup: LoneCommand = {
  usage: 'doctor [--json]',
  about: 'Looks whether the deployment is well, and says what to do. Exits with 1 when something is not.',
  example: 'doctor --json',
  async runAlone(args) {
    const given = readGiven(args, [], ['json']);
    if (given.words.length > 0) throw new Error('usage: doorward doctor [--json], or doctor sign-in …');
    const findings = await examine();
    return given.has('json') ? asJson(findings) : asText(findings);
  },
};

async function examine(): Promise<readonly Finding[]> {
  const { config, findings } = readConfiguration();
  if (!config) return findings;
  if (config.databaseUrl === undefined) {
    const remedy = 'Set DATABASE_URL: the demo keeps its database to itself.';
    return [...findings, failed('database', 'DATABASE_URL is not set', remedy)];
  }
  const { ctx, close } = await openCommandContext(config, pino({ level: 'silent' }));
  try {
    return [...findings, ...(await runChecks(ctx))];
  } finally {
    await close();
  }
}

async function runChecks(ctx: Context): Promise<Finding[]> {
  const isReachable = await isDatabaseReachable(ctx.db);
  const findings: Finding[] = [];
  if (!isReachable)
    findings.push(failed('database', 'does not answer', 'Is DATABASE_URL right, and the server running?'));
  for (const check of checks) {
    if (isReachable || !check.needsDatabase) findings.push(...(await run(ctx, check)));
    else if (check.name !== 'database')
      findings.push({ name: check.name, status: 'skipped', found: 'the database does not answer' });
  }
  return findings;
}

async function run(ctx: Context, { name, look }: Check): Promise<readonly Finding[]> {
  try {
    return await look(ctx);
  } catch (error) {
    const remedy = 'If nothing above explains it, the log of the service says more.';
    return [failed(name, `cannot be looked at: ${reasonOf(error)}`, remedy)];
  }
}

const signs: Readonly<Record<Finding['status'], string>> = {
  passed: '✓',
  warning: '!',
  failed: '✗',
  skipped: '-',
};

function asText(findings: readonly Finding[]): Printed {
  const lines = findings.flatMap(({ name, status, found, remedy }) => [
    `${signs[status]} ${name.padEnd(16)} ${found}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(19)}→ ${remedy}`]),
  ]);
  return { text: lines.join('\n'), exitCode: exitCodeOf(findings) };
}

function asJson(findings: readonly Finding[]): Printed {
  const exitCode = exitCodeOf(findings);
  return { text: JSON.stringify({ ok: exitCode === 0, checks: findings }, undefined, 2), exitCode };
}

function exitCodeOf(findings: readonly Finding[]): number {
  return findings.some(({ status }) => status === 'failed') ? 1 : 0;
}
