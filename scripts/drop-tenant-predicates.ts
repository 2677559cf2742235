/**
 * npm run check:tenants [-- --sample 4] [--seed 1] [--only memberships]: takes away each predicate in turn that keeps a query of the core to one
 * account, and fails where the matrix of callers and objects does not notice. In a copy of the tree; nothing here changes.
 */
import { spawn } from 'node:child_process';
import { cp, glob, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';

interface Predicate {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** The whole file without it. */
  readonly without: string;
}

/** `.where('accountId', '=', …)`, and `account_id = …` in SQL of our own. */
const patterns: readonly { readonly pattern: RegExp; readonly becomes: string }[] = [
  { pattern: /\s*\.where\('(?:\w+\.)?accountId', '=', [\w.]+(?: as \w+)?\)/g, becomes: '' },
  { pattern: /\b(?:\w+\.)?account_id = \$\{[\w.]+\}/g, becomes: 'true' },
];

/** What the matrix cannot notice, by file or function, and why; new predicates are not among these. */
const beyond: readonly { readonly where: RegExp; readonly why: string }[] = [
  {
    where: /core\/(?:access|provisioning|linking|doctor)\//,
    why: 'asked by a sign-in: test/federation/, test/journeys/',
  },
  {
    where: / (?:listAttempts|deleteBinding|listBindings|hasWarned)$/,
    why: 'the connection was looked for with its account',
  },
  {
    where: / (?:lockDomain|findClaim)$/,
    why: 'test/federation/domains.test.ts, test/security/tenant-keys.test.ts',
  },
  {
    where: / (?:lockBreakGlassCandidates|updateBreakGlass|checkProducts)$/,
    why: 'test/admin/connections.test.ts',
  },
  {
    where: / (?:findBreakGlass|requiresCompany)$/,
    why: 'test/federation/home-realm.test.ts, test/admin/people-core.test.ts',
  },
  { where: / (?:closeExpired|consumePending|findPending)$/, why: 'test/security/invitation-bounds.test.ts' },
  { where: /core\/imports\//, why: 'test/admin/import.test.ts' },
  {
    where: /core\/seats\/queries.ts (?:listReservedFor|deleteReservations|countFreeSeats)$/,
    why: 'test/security/seats.test.ts',
  },
  {
    where: / (?:findMembership|deleteReservations|consumeOpenRequest|listSeatReservations)$/,
    why: 'the row was locked with its account, or nobody calls it with what a caller names',
  },
];

const { values } = parseArgs({
  options: { sample: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const root = new URL('..', import.meta.url).pathname;
const seed = Number(values.seed ?? Date.now() % 100_000);

const all = (await findPredicates()).filter(
  ({ file, line }) => values.only === undefined || `${file}:${line}`.includes(values.only),
);
const chosen = values.sample === undefined ? all : sample(all, Number(values.sample));
console.log(`${chosen.length} of ${all.length} predicates${values.sample ? ` (--seed ${seed})` : ''}`);

const copy = await mkdtemp(join(tmpdir(), 'doorward-tenants-'));
const server = await startEmbeddedPostgres();
const survivors: Predicate[] = [];
try {
  for (const name of [
    'src',
    'config',
    'migrations',
    'test',
    'docs',
    'package.json',
    '.taprc',
    'tsconfig.json',
  ])
    await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  if (!(await matrixPasses())) throw new Error('the matrix fails as it is');
  for (const predicate of chosen) {
    const original = await readFile(join(root, predicate.file), 'utf8');
    await writeFile(join(copy, predicate.file), predicate.without);
    const isNoticed = !(await matrixPasses());
    await writeFile(join(copy, predicate.file), original);
    console.log(`${isNoticed ? '✓' : '✗'} ${predicate.file}:${predicate.line} ${predicate.text}`);
    if (!isNoticed) survivors.push(predicate);
  }
} finally {
  await server.stop();
  await rm(copy, { recursive: true, force: true });
}
console.log(`${chosen.length - survivors.length} noticed, ${survivors.length} not`);
process.exitCode = survivors.length === 0 ? 0 : 1;

async function findPredicates(): Promise<Predicate[]> {
  const found: Predicate[] = [];
  const files = await Array.fromAsync(glob('src/core/**/*.ts', { cwd: root }));
  for (const file of files.sort()) {
    const text = await readFile(join(root, file), 'utf8');
    for (const { pattern, becomes } of patterns) {
      for (const match of text.matchAll(pattern)) {
        const line = text.slice(0, match.index + match[0].length).split('\n').length;
        const [, inside = ''] = [...text.slice(0, match.index).matchAll(/function\*? (\w+)/g)].at(-1) ?? [];
        if (beyond.some(({ where }) => where.test(file) || where.test(`${file} ${inside}`))) continue;
        const without = text.slice(0, match.index) + becomes + text.slice(match.index + match[0].length);
        found.push({ file, line, text: match[0].trim(), without });
      }
    }
  }
  return found;
}

function sample(predicates: readonly Predicate[], count: number): Predicate[] {
  const left = [...predicates];
  const picked: Predicate[] = [];
  for (let state = seed; picked.length < count && left.length > 0;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    picked.push(...left.splice(state % left.length, 1));
  }
  return picked;
}

function matrixPasses(): Promise<boolean> {
  const files = ['matrix', 'seats', 'trail'].map((name) => `test/admin/${name}.test.ts`);
  const run = spawn(process.execPath, ['test/run.ts', ...files], {
    cwd: copy,
    stdio: 'ignore',
    env: { ...process.env, MATRIX: 'tenants', TEST_DATABASE_URL: server.url('postgres') },
  });
  return new Promise((resolve) => run.once('close', (code) => resolve(code === 0)));
}
