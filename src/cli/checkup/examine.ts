/** Looks at the deployment, one thing after the other. It changes nothing. */
import { pino } from 'pino';
import type { Context } from '../../context.ts';
import { isDatabaseReachable } from '../../db/health.ts';
import { readConfiguration } from './configuration.ts';
import { connectionChecks } from './connections.ts';
import { databaseChecks } from './database.ts';
import { type Check, failed, type Finding, reasonOf } from './finding.ts';
import { issuerChecks } from './issuer.ts';
import { keyChecks } from './keys.ts';
import { machineChecks } from './machine.ts';
import { mailChecks } from './mail.ts';
import { pruningChecks } from './pruning.ts';
import { tlsChecks } from './tls.ts';
import { openCommandContext } from '../context.ts';

const checks: readonly Check[] = [
  ...databaseChecks,
  ...keyChecks,
  ...tlsChecks,
  ...issuerChecks,
  ...mailChecks,
  ...connectionChecks,
  ...machineChecks,
  ...pruningChecks,
];

/** Everything that is looked at. With settings that are wrong, only those. */
export async function examine(): Promise<readonly Finding[]> {
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
