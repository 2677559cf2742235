/** What lies in deploy/ fits the service, and the checks of it are awake. */
import { readdirSync } from 'node:fs';
import t from 'tap';
import { chartProblems } from '../scripts/check-chart.ts';
import { read, readChart } from '../scripts/check-deploy.ts';
import { alertProblems, dashboardProblems, runbookProblems } from '../scripts/check-monitoring.ts';

type Worse = readonly [what: string, from: string | RegExp, to: string];

t.test('the chart renders to manifests that keep its rules, however it is set', (t) => {
  const chart = readChart();
  t.same(chartProblems(chart), []);
  const worse: readonly (readonly [file: string, ...Worse])[] = [
    ['_helpers.tpl', 'root', 'runAsNonRoot: true', 'runAsNonRoot: false'],
    [
      '_helpers.tpl',
      'a writable file system',
      'readOnlyRootFilesystem: true',
      'readOnlyRootFilesystem: false',
    ],
    ['_helpers.tpl', 'capabilities', 'drop: [ALL]', 'drop: []'],
    ['_helpers.tpl', 'a setting there is not', 'NODE_ENV', 'NODE_ENVIRONMENT'],
    ['_helpers.tpl', 'a file that is not mounted', 'value: /run/secrets/doorward', 'value: /run/secrets'],
    ['_helpers.tpl', 'a secret as text', /- name: \{\{ \. \}\}_FILE/, '- name: {{ . }}'],
    ['deployment.yaml', 'another port', 'containerPort: 9464', 'containerPort: 9465'],
    ['deployment.yaml', 'no readiness', 'readinessProbe', 'readyProbe'],
    ['deployment.yaml', 'a probe of nothing', /path: \/readyz/, 'path: /ready'],
    [
      'deployment.yaml',
      'no time to end',
      'terminationGracePeriodSeconds: 30',
      'terminationGracePeriodSeconds: 10',
    ],
    ['deployment.yaml', 'no limit', 'toYaml .Values.resources', 'toYaml .Values.podAnnotations'],
    ['deployment.yaml', 'a value there is not', '.Values.image.pullPolicy', '.Values.image.policy'],
    ['deployment.yaml', 'a function that is not known', 'toYaml .Values.resources', 'tpl .Values.resources'],
    ['deployment.yaml', 'YAML that is none', 'spec:\n', 'spec: {\n'],
    ['migration-job.yaml', 'another command', '[doorward, migrate]', '[doorward, seed]'],
    ['migration-job.yaml', 'on other nodes', 'with .Values.tolerations', 'with .Values.imagePullSecrets'],
    ['migration-job.yaml', 'after the upgrade', 'pre-install,pre-upgrade', 'post-upgrade'],
    ['migration-job.yaml', 'pods the service would find', 'component: migration', 'component: server'],
    ['service.yaml', 'nobody to serve', 'component: server', 'component: web'],
    ['disruption-budget.yaml', 'nobody to protect', 'component: server', 'component: web'],
  ];
  for (const [file, what, from, to] of worse) {
    const text = chart.templates[file] ?? '';
    t.not(text.replace(from, to), text, `${what}: the text is there to be changed`);
    const templates = { ...chart.templates, [file]: text.replace(from, to) };
    t.not(chartProblems({ ...chart, templates }).length, 0, what);
  }
  for (const [what, from, to] of [
    ['a secret too few', '  - SECRET_KEYS\n', ''],
    ['a setting there is not', 'LOG_LEVEL: info', 'LOGLEVEL: info'],
    ['a secret among the settings', 'LOG_LEVEL: info', 'SMTP_URL: smtps://mail'],
    ['a value the service refuses', 'LOG_LEVEL: info', 'LOG_LEVEL: loud'],
  ] as const) {
    t.ok(chart.values.includes(from), `${what}: the text is there to be changed`);
    t.not(chartProblems({ ...chart, values: chart.values.replace(from, to) }).length, 0, what);
  }
  t.end();
});

t.test('every alert asks for what there is, and names its runbook', (t) => {
  const text = read('deploy/prometheus/alerts.yaml');
  t.same(alertProblems(text), []);
  const worse: readonly Worse[] = [
    ['a number there is not', 'doorward_database_up', 'doorward_database_down'],
    ['a label there is not', 'outcome!="sent"', 'result!="sent"'],
    ['a runbook there is not', 'mail-stuck.md', 'mail-gone.md'],
    ['no runbook', /runbook: docs.*/, ''],
    ['an alert twice', 'DoorwardMailFails', 'DoorwardMailStuck'],
    ['a misspelt member', 'annotations:', 'annotation:'],
    ['nothing of ours', 'min(doorward_database_up)', 'min(up)'],
    ['an open bracket', 'min(doorward_database_up)', 'min(doorward_database_up'],
    ['YAML that is none', 'groups:', 'groups: {'],
  ];
  for (const [what, from, to] of worse) {
    t.not(text.replace(from, to), text, `${what}: the text is there to be changed`);
    t.not(alertProblems(text.replace(from, to)).length, 0, what);
  }
  t.end();
});

t.test('every panel of the dashboard asks for what there is', (t) => {
  const text = read('deploy/grafana/doorward.json');
  t.same(dashboardProblems(text), []);
  const worse: readonly Worse[] = [
    ['a number there is not', 'doorward_mail_pending', 'doorward_mails_pending'],
    ['a panel twice', '"id": 2,', '"id": 1,'],
    ['a panel without a title', '"title": "Sign-ins"', '"title": ""'],
    ['JSON that is none', '{', ''],
  ];
  for (const [what, from, to] of worse) {
    t.not(text.replace(from, to), text, `${what}: the text is there to be changed`);
    t.not(dashboardProblems(text.replace(from, to)).length, 0, what);
  }
  t.end();
});

t.test('every runbook says how to see it, what to do, and how to know that it worked', (t) => {
  const names = readdirSync('docs/runbooks');
  t.ok(names.length >= 6);
  for (const name of names) t.same(runbookProblems(read(`docs/runbooks/${name}`)), [], name);
  t.not(runbookProblems(read('docs/runbooks/upgrade.md').replace('## What to do', '## What')).length, 0);
  t.end();
});
