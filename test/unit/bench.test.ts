/** The parts of the benchmark that compute: what it reads from /proc, its arithmetic, how it puts load, what it reports. */
import t from 'tap';
import { scenarios } from '../../bench/catalogue.ts';
import { Jar } from '../../bench/drive/jar.ts';
import { closedLoop, openLoop } from '../../bench/drive/load.ts';
import type { FlowFinding, SideNumbers } from '../../bench/findings.ts';
import { parseStat, parseStatusKb } from '../../bench/measure/proc.ts';
import { median, percentile, ratioOf } from '../../bench/measure/statistics.ts';
import { parseOptions } from '../../bench/options.ts';
import { renderChart } from '../../bench/report/chart.ts';
import { holdAgainstGoals } from '../../bench/report/goals.ts';
import { renderMarkdown } from '../../bench/report/markdown.ts';
import { number, times } from '../../bench/report/numbers.ts';
import { busiest, costsOf, renderScale } from '../../bench/report/scale.ts';
import { mix } from '../../bench/scenarios/monday-morning.ts';
import { smokeProblems } from '../../bench/smoke.ts';

t.test('a median is the one in the middle, or between the two', (t) => {
  t.equal(median([5, 1, 3]), 3);
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.ok(Number.isNaN(median([])));
  t.equal(percentile([1, 2, 3, 4, 5], 0.25), 2);
  t.equal(percentile([1, 2], 1), 2);
  t.end();
});

t.test('a ratio is taken round by round, so that what disturbs a round disturbs nothing else', (t) => {
  t.same(ratioOf([10, 100, 12], [10, 100, 10]), { median: 1, low: 1, high: 1.1 });
  t.end();
});

t.test('processor time is read whatever a process calls itself', (t) => {
  const fields = '7 1 1 0 -1 4194560 9 9 9 9 300 50 20 5 20 0 11 0 100 0 0';
  t.same(parseStat(`42 (a (bad) name) S ${fields}`), {
    name: 'a (bad) name',
    parent: 7,
    ownUs: 3_500_000,
    reapedUs: 250_000,
  });
  t.equal(parseStatusKb('VmPeak:\t  9 kB\nVmRSS:\t   128 kB\n', 'VmRSS'), 131_072);
  t.ok(Number.isNaN(parseStatusKb('', 'VmRSS')));
  t.end();
});

t.test('options are what they say, or an error that says what would be right', (t) => {
  const known = ['refresh', 'userinfo'];
  t.match(parseOptions(['refresh', '--users', '1e6'], known), {
    names: ['refresh'],
    users: 1_000_000,
    out: undefined,
  });
  t.match(parseOptions([], known), { names: [], smoke: false, out: 'docs/performance' });
  t.match(parseOptions(['--smoke'], known), {
    smoke: true,
    users: 1000,
    out: undefined,
    keycloak: undefined,
  });
  t.match(parseOptions(['--keycloak', 'here', '--hydra', './hydra'], known), {
    keycloak: 'here',
    hydra: './hydra',
  });
  t.throws(() => parseOptions(['refesh'], known), /refresh, userinfo/);
  for (const users of ['10', 'many', '1e9', '1.5']) t.throws(() => parseOptions(['--users', users], known));
  t.end();
});

t.test('each scenario has a name of its own, and the mix is of a hundred', (t) => {
  t.equal(new Set(scenarios.map(({ name }) => name)).size, scenarios.length);
  t.equal(
    mix.reduce((sum, [share]) => sum + share, 0),
    100,
  );
  t.end();
});

t.test('cookies go where they belong, and go when they are deleted', (t) => {
  const jar = new Jar();
  jar.store(['a=1; path=/; secure', 'b=2; Path=/sign-in/x', 'c=3; path=/; Max-Age=0']);
  t.equal(jar.header('/authorize'), 'a=1');
  t.equal(jar.header('/sign-in/x/password'), 'a=1; b=2');
  t.equal(jar.header('/sign-in/xy'), 'a=1');
  jar.store(['a=; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT']);
  t.equal(jar.header('/'), '');
  t.end();
});

t.test('in a closed loop no two flows have one slot, and a failure is counted and no latency', async (t) => {
  const busy = new Set<number>();
  let calls = 0;
  const load = await closedLoop(
    async (slot) => {
      if (busy.has(slot)) throw new Error('two at once');
      busy.add(slot);
      await new Promise((resolve) => setImmediate(resolve));
      busy.delete(slot);
      calls += 1;
      if (calls === 3) throw new Error('the third');
    },
    { clients: 4, ms: 30 },
  );
  t.equal(load.failed, 1);
  t.equal(load.firstFailure, 'the third');
  t.equal(load.done, calls - 1);
  t.equal(load.latenciesMs.length, load.done);
});

t.test('in an open loop everybody is counted who came while the server stood still', async (t) => {
  let calls = 0;
  const load = await openLoop(
    async () => {
      calls += 1;
      const until = performance.now() + 200;
      // the whole process stands still, as a server would
      if (calls === 1) while (performance.now() < until);
    },
    { perSecond: 100, ms: 300 },
  );
  t.equal(load.done, 30);
  const kept = load.latenciesMs.filter((ms) => ms > 50);
  t.ok(kept.length >= 10, `not one but all ${kept.length} who were due in these 200 ms had to wait`);
});

const machine = {
  ...{ cpu: 'A Processor', cores: 2, memoryGiB: 8, kernel: '6.1' },
  ...{
    node: 'v24.0.0',
    postgres: '18.4',
    others: ['Keycloak 1.2'],
    commit: 'abc',
    date: '2026-01-01',
    loadBefore: 0.1,
  },
};

const side = (cpuUs: number, more: Partial<SideNumbers> = {}): SideNumbers => ({
  cpuUs,
  poolUs: 0,
  postgresUs: 50,
  perSecond: 1000,
  failed: 0,
  p50Ms: 1,
  p99Ms: 2,
  ...more,
});

function refreshFinding(ratio: number, more: Partial<FlowFinding> = {}): FlowFinding {
  const of = { median: ratio, low: ratio, high: ratio };
  const ratios = { cpuRatio: of, restRatio: of, togetherRatio: of };
  return {
    kind: 'flow',
    name: 'refresh',
    title: 'Refresh <rotating>',
    clients: 64,
    service: side(500 * ratio),
    yardsticks: { 'engine in memory': { ...side(500), ...ratios } },
    alone: { statements: 2.04, boundaries: 0, logBytes: 1200, rows: {}, bytes: 0 },
    ...more,
  };
}

t.test('a goal is met when each of its parts is, and unknown when nothing was measured', (t) => {
  const goal = (findings: Parameters<typeof holdAgainstGoals>[0], id: string) =>
    holdAgainstGoals(findings).find((found) => found.id === id);
  t.equal(goal([refreshFinding(1.04)], 'P2')?.isMet, true);
  t.equal(goal([refreshFinding(1.06)], 'P2')?.isMet, false);
  t.equal(goal([refreshFinding(1.04), refreshFinding(1.2, { clients: 16 })], 'P2')?.isMet, false);
  t.match(goal([refreshFinding(1)], 'P3'), {
    isMet: true,
    parts: [
      { what: 'statements, refresh', measured: '2.04', wanted: '≤ 2' },
      { what: 'rows left by a refresh' },
    ],
  });
  t.equal(goal([], 'P2')?.isMet, undefined);
  t.equal(goal([], 'P11')?.isMet, undefined);
  t.type(goal([], 'P11')?.remark, 'string', 'and it is said why');
  const beside = refreshFinding(0.2);
  const { 'engine in memory': them } = beside.yardsticks;
  t.match(goal([{ ...beside, yardsticks: { Keycloak: them } } as FlowFinding], 'P11'), {
    isMet: true,
    parts: [{ what: 'refresh, by core, to Keycloak', measured: '5.00 ×', wanted: '≥ 5.00 ×' }],
  });
  t.equal(holdAgainstGoals([]).length, 11);
  t.end();
});

t.test('the report has a row for each side, and its picture is one', (t) => {
  const findings = [refreshFinding(1.04)];
  const text = renderMarkdown({ machine, users: 1000, findings, goals: holdAgainstGoals(findings) });
  t.match(text, /\| Refresh <rotating>, 64 at once +\| \*\*service\*\* +\| 520 +\|/);
  t.match(text, /\| engine in memory +\| 500 +\|/);
  t.match(text, '1.04 × (1.04–1.04)');
  t.match(text, 'beside them Keycloak 1.2.');
  t.match(text, /\*\*P4\*\*.*not measured/);
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  t.ok(rows.every((row) => row.endsWith('|')));

  const picture = renderChart(findings);
  t.match(picture, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 \d+ \d+"/);
  t.match(picture, '1.04 ×');
  t.equal(picture.match(/<rect/g)?.length, 5, 'a ground, two keys, two bars');
  t.match(renderChart([refreshFinding(1, { title: 'A & B' })]), 'A &amp; B');
  t.match(renderChart([]), '</svg>');
  t.end();
});

t.test('the sizes follow from what flows cost, and are not guessed where one was not measured', (t) => {
  const flows = Object.keys(busiest).map((name) => refreshFinding(1, { name }));
  const left = { kind: 'left', signIns: 3, rows: {}, sessionBytes: { sessions: 1000, grants: 500 } } as const;
  t.equal(costsOf([...flows.slice(1), left]), undefined);
  t.equal(costsOf(flows), undefined);
  const costs = costsOf([...flows, left]);
  // 300 flows a second of 500 µs for a million people
  t.equal(costs && Math.round(costs.serviceCores * 1e6 * 1000), 150);
  t.equal(costs?.sessionBytes, 1500);
  const text = costs ? renderScale(costs, machine) : '';
  t.match(text, 'Derived, not measured');
  t.match(text, /\| 100 000 000 +\| 3 000 +\| 11 000 +\| 30 +\| 3 +\| 140 GiB +\| 5 of 8 vCPU +\|/);
  t.end();
});

t.test('numbers have the digits that count', (t) => {
  t.equal(number(1234.56), '1 235');
  t.equal(number(12.345), '12.3');
  t.equal(number(0.012345), '0.012');
  t.equal(number(0), '0');
  t.equal(number(NaN), '–');
  t.equal(times(1.2345), '1.23 ×');
  t.end();
});

t.test('a smoke run complains of wrong answers, of missing numbers, and of far too many statements', (t) => {
  t.same(smokeProblems([refreshFinding(1)]), []);
  t.equal(smokeProblems([refreshFinding(1, { service: side(500, { failed: 2 }) })]).length, 1);
  t.match(smokeProblems([refreshFinding(1, { service: side(NaN) })]), [/service\.cpuUs/]);
  const greedy = { statements: 40, boundaries: 0, logBytes: 0, rows: {}, bytes: 0 };
  t.match(smokeProblems([refreshFinding(1, { alone: greedy })]), [/40 statements/]);
  t.end();
});
