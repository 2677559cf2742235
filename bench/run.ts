/**
 * npm run bench [-- scenario … --users 1e6 --smoke --out <folder> --keycloak <folder> --hydra <program>]: what the service costs beside its yardsticks, in one run
 * on one machine. Without a scenario it runs all and writes docs/performance/ and docs/scale.md. With --smoke everything runs for a moment, to
 * see that it runs: then it fails on any wrong answer, and the numbers mean nothing.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openBench } from './bench.ts';
import { scenarios } from './catalogue.ts';
import { failuresOf, type Finding } from './findings.ts';
import { parseOptions } from './options.ts';
import { renderChart } from './report/chart.ts';
import { holdAgainstGoals } from './report/goals.ts';
import { describeMachine, loadNow } from './report/machine.ts';
import { renderMarkdown, type Report } from './report/markdown.ts';
import { costsOf, renderScale } from './report/scale.ts';
import { smokeProblems } from './smoke.ts';

const options = parseOptions(
  process.argv.slice(2),
  scenarios.map(({ name }) => name),
);
const broken: string[] = [];
const { findings, report } = await run();
if (options.out !== undefined) await writeReport(options.out, report);
if (!options.smoke) console.log(renderMarkdown(report));
const problems = [...broken, ...(options.smoke ? smokeProblems(findings) : failures(findings))];
for (const problem of problems) console.error(`✗ ${problem}`);
if (options.smoke && problems.length === 0)
  console.log(`${findings.length} findings, and nothing was wrong.`);
process.exit(problems.length === 0 ? 0 : 1);

async function run(): Promise<{ findings: Finding[]; report: Report }> {
  const loadBefore = loadNow();
  const bench = await openBench(options);
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        reject(new Error(`ended by ${signal}`));
      });
  });
  try {
    const findings = await Promise.race([runScenarios(bench), interrupted]);
    const machine = await describeMachine({
      postgres: bench.postgres.version,
      loadBefore,
      others: await bench.others(),
    });
    const goals = holdAgainstGoals(findings);
    return { findings, report: { machine, users: options.users, findings, goals } };
  } finally {
    await bench.close();
  }
}

async function runScenarios(bench: Awaited<ReturnType<typeof openBench>>): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const scenario of scenarios) {
    if (options.names.length > 0 && !options.names.includes(scenario.name)) continue;
    const began = performance.now();
    try {
      findings.push(...(await scenario.run(bench)));
    } catch (error) {
      // what the others find is worth having; the run fails all the same
      broken.push(
        `${scenario.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
    console.error(`${scenario.name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  return findings;
}

/** Numbers that were measured on errors are none. */
function failures(all: readonly Finding[]): string[] {
  return all
    .filter((finding) => failuresOf(finding) > 0)
    .map((finding) => `failed: ${JSON.stringify(finding)}`);
}

async function writeReport(out: string, report: Report): Promise<void> {
  await mkdir(out, { recursive: true });
  const flows = report.findings.filter((finding) => finding.kind === 'flow');
  await writeFile(path.join(out, 'report.md'), renderMarkdown(report));
  await writeFile(path.join(out, 'report.svg'), renderChart(flows));
  await writeFile(path.join(out, 'numbers.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  const costs = costsOf(report.findings);
  if (costs) await writeFile(path.join(out, '..', 'scale.md'), renderScale(costs, report.machine));
}
