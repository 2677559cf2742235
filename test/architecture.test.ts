/** The rules of docs/architecture.md hold, and those who watch over them are awake. */
import { execFile } from 'node:child_process';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint, type Linter } from 'eslint';
import t from 'tap';

interface Cruise {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { name: string };
    }[];
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] };
  };
}

const root = fileURLToPath(new URL('..', import.meta.url));

t.test('nobody imports what lies above them', async (t) => {
  const { modules, summary } = await cruise(root);
  t.same(
    summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
    [],
  );
  const seen = modules.map(({ source }) => source).filter((source) => /^(config|src)\/.*\.ts$/.test(source));
  const onDisk = await Array.fromAsync(glob('{config,src}/**/*.ts', { cwd: root }));
  t.same(seen.sort(), onDisk.sort(), 'every module was seen');
});

t.test('every rule of the layers fires', async (t) => {
  const { summary } = await cruise(path.join(root, 'test/fixtures/architecture'));
  const fired = new Set(summary.violations.map(({ rule }) => rule.name));
  for (const { name } of summary.ruleSetUsed.forbidden) t.ok(fired.has(name), name);
});

t.test('every house rule of the linter fires, where it should and nowhere else', async (t) => {
  const text = await readFile(path.join(root, 'test/fixtures/lint/mistakes.ts'), 'utf8');
  const expected = text.split('\n').flatMap((line, index) => {
    const marks = line.matchAll(/✗ ([\w/-]+)/g);
    return Array.from(marks, ([, rule]) => `${index + 1} ${rule ?? ''}`);
  });
  const houseRules = new Set(expected.map((entry) => entry.split(' ')[1]));
  const found = await lint(text, 'src/core/audit/audit.ts');
  t.same(
    found
      .filter(({ ruleId }) => houseRules.has(ruleId ?? ''))
      .map(({ line, ruleId }) => `${line} ${ruleId ?? ''}`),
    expected,
  );
});

t.test('a long file and a long function are refused', async (t) => {
  const long = `export function count(): void {\n${'  void 0;\n'.repeat(350)}}\n`;
  const found = await lint(long, 'src/core/audit/audit.ts');
  for (const rule of ['max-lines', 'max-lines-per-function']) {
    t.ok(
      found.some(({ ruleId }) => ruleId === rule),
      rule,
    );
  }
});

t.test('what is forbidden everywhere is allowed in its one place', async (t) => {
  const places = {
    'config/load.ts': 'process.env;',
    'src/cli/context.ts': 'new Date();',
    'src/db/clock.ts': 'new Date(); Date.now();',
    'src/provider/settings.ts': 'Date.now();',
    'src/federation/oidc/provider.ts': 'Date.now();',
    'test/run.ts': 'process.env; new Date(); Date.now();',
  };
  for (const [file, text] of Object.entries(places)) {
    const found = await lint(text, file);
    t.notOk(
      found.some(({ ruleId }) => ruleId === 'no-restricted-syntax'),
      file,
    );
  }
});

/** The check of `npm run architecture`, on this or on another tree. */
function cruise(cwd: string): Promise<Cruise> {
  const config = path.join(root, '.dependency-cruiser.cjs');
  const args = ['--config', config, '--output-type', 'json', 'config', 'src'];
  return new Promise((resolve, reject) => {
    // its exit code is the number of violations: the output says more
    execFile('depcruise', args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout) => {
      if (stdout.startsWith('{')) resolve(JSON.parse(stdout) as Cruise);
      else reject(error ?? new Error('depcruise wrote nothing'));
    });
  });
}

let linter: ESLint | undefined;

/** Lints a text as if it were that file, which must exist: the types come with its place. */
async function lint(text: string, file: string): Promise<Linter.LintMessage[]> {
  linter ??= new ESLint({ cwd: root });
  const [result] = await linter.lintText(text, { filePath: path.join(root, file) });
  return result?.messages ?? [];
}
