/** The database: there, of a version that will do, entered by a role that may not too much, migrated, and of one time. */
import type { Context } from '../../context.ts';
import { describeServer, type ServerDescription } from '../../db/health.ts';
import { compareMigrations } from '../../db/migrate.ts';
import { type Check, failed, type Finding, passed, warning } from './finding.ts';

/** Of no consequence below the first; above the second tokens are refused that should be good. */
const [noticeableSkewMs, harmfulSkewMs] = [2000, 30_000];

export const databaseChecks: readonly Check[] = [
  { name: 'database', needsDatabase: true, look: lookAtServer },
  { name: 'migrations', needsDatabase: true, look: lookAtMigrations },
];

async function lookAtServer({ config, db, now }: Context): Promise<Finding[]> {
  const began = now().getTime();
  const server = await describeServer(db);
  // the server has told its time somewhere in between
  const skewMs = server.now.getTime() - (began + now().getTime()) / 2;
  return [ofVersion(server), ofRole(server, config.migrationDatabaseUrl !== undefined), ofClock(skewMs)];
}

function ofVersion({ version, versionNumber }: ServerDescription): Finding {
  if (versionNumber >= 150_000) return passed('database', `PostgreSQL ${version}`);
  return failed('database', `PostgreSQL ${version}`, 'Doorward needs PostgreSQL 15 or later.');
}

function ofRole({ role, isSuperuser, ownsTables }: ServerDescription, hasTwoRoles: boolean): Finding {
  const twoRoles = 'Give the service a role of its own: see "Two database roles" in docs/operations.md.';
  if (isSuperuser) return warning('role', `${role} is a superuser: it may do anything`, twoRoles);
  if (!ownsTables) return passed('role', `${role} has what it needs and no more`);
  const found = `${role} owns tables: whoever gets hold of it can change the audit trail`;
  return hasTwoRoles ? failed('role', found, twoRoles) : warning('role', found, twoRoles);
}

function ofClock(skewMs: number): Finding {
  const found = `${Math.abs(skewMs / 1000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine’s`;
  const remedy = 'Have both clocks set by NTP: what is signed now must not be from tomorrow elsewhere.';
  if (Math.abs(skewMs) > harmfulSkewMs) return failed('clock', `the database’s is ${found}`, remedy);
  if (Math.abs(skewMs) > noticeableSkewMs) return warning('clock', `the database’s is ${found}`, remedy);
  return passed('clock', `the database’s is ${found}`);
}

async function lookAtMigrations({ db }: Context): Promise<Finding[]> {
  const { applied, missing, unknown } = await compareMigrations(db);
  if (missing.length > 0)
    return [failed('migrations', `not applied: ${missing.join(', ')}`, 'Run: doorward migrate')];
  if (unknown.length === 0) return [passed('migrations', `all ${applied} are applied`)];
  const found = `all are applied, and some of a newer version: ${unknown.join(', ')}`;
  const remedy = 'This version runs on it. Finish the upgrade, or the way back, when you can.';
  return [warning('migrations', found, remedy)];
}
