/** What must be true of the Helm chart, checked without Helm and without a cluster: rendered, and then read. */
import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments, parse } from 'yaml';
import { z } from 'zod';
import { ConfigurationError, loadConfig } from '../config/load.ts';
import { type Setting, settings } from '../config/settings.ts';
import { readTemplates, render } from './helm-template.ts';

export interface ChartFiles {
  readonly chart: string;
  readonly values: string;
  readonly templates: Readonly<Record<string, string>>;
}

/** What somebody sets; each way once. */
const variants: readonly Record<string, unknown>[] = [
  {},
  { migration: { ownRole: true } },
  { autoscaling: { enabled: false }, networkPolicy: { enabled: false } },
  {
    settings: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.monitoring:4318' },
    networkPolicy: { tracesTo: [{ namespaceSelector: {} }] },
  },
  {
    image: { digest: `sha256:${'a'.repeat(64)}` },
    nodeSelector: { a: 'b' },
    tolerations: [{ operator: 'Exists' }],
  },
];
const given = {
  existingSecret: 'doorward',
  settings: {
    ISSUER: 'https://login.example.com',
    TRUSTED_PROXIES: '10.0.0.0/8',
    MAIL_FROM: 'login@example.com',
  },
};

export function chartProblems(files: ChartFiles): string[] {
  try {
    const problems = variants.flatMap((variant) => manifestProblems(manifestsOf(files, variant)));
    return [...new Set([...problems, ...chartFileProblems(files)])];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

const container = z.looseObject({
  name: z.string(),
  command: z.array(z.string()).optional(),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.number() })).default([]),
  livenessProbe: z.looseObject({ httpGet: z.object({ path: z.literal('/livez') }) }).optional(),
  readinessProbe: z.looseObject({ httpGet: z.object({ path: z.literal('/readyz') }) }).optional(),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  resources: z.looseObject({
    requests: z.looseObject({ cpu: z.string(), memory: z.string() }),
    limits: z.looseObject({ memory: z.string() }),
  }),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
});
const podSpec = z.looseObject({
  terminationGracePeriodSeconds: z.number().optional(),
  automountServiceAccountToken: z.literal(false),
  securityContext: z.looseObject({ runAsNonRoot: z.literal(true), runAsUser: z.literal(1000) }),
  containers: z.tuple([container]),
  volumes: z.array(
    z.looseObject({
      name: z.string(),
      secret: z
        .looseObject({
          secretName: z.string(),
          items: z.array(z.object({ key: z.string(), path: z.string() })),
        })
        .optional(),
    }),
  ),
});
type PodSpec = z.output<typeof podSpec>;

const labels = z.record(z.string(), z.string());
const template = z.looseObject({ metadata: z.looseObject({ labels }), spec: podSpec });
const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), annotations: labels.optional() }),
  spec: z.looseObject({}),
});
type Manifest = z.output<typeof manifest>;

/** What Helm would hand to the cluster. Throws when it could not be rendered, or is no YAML. */
function manifestsOf({ chart, values, templates }: ChartFiles, variant: Record<string, unknown>): Manifest[] {
  const { name, version, appVersion } = parse(chart) as Record<string, string>;
  const root = {
    Values: merged(merged(parse(values), given), variant),
    Release: { Name: 'login', Namespace: 'default', Service: 'Helm' },
    Chart: { Name: name, Version: version, AppVersion: appVersion },
  };
  const read = readTemplates(templates);
  return Object.keys(templates).flatMap((file) => {
    const text = render(read, file, root);
    if (!file.endsWith('.yaml') || text.trim() === '') return [];
    return parseAllDocuments(text).map((document) => {
      const [fault] = [...document.errors, ...document.warnings];
      if (fault) throw new Error(`${file}: ${fault.message}`);
      const parsed = manifest.safeParse(document.toJS());
      if (!parsed.success) throw new Error(`${file} is no manifest`);
      return parsed.data;
    });
  });
}

function manifestProblems(all: readonly Manifest[]): string[] {
  const find = (kind: string) => all.find((item) => item.kind === kind);
  const deployment = find('Deployment');
  const job = find('Job');
  if (!deployment || !job) return ['there must be a Deployment and a Job'];
  const server = template.safeParse(deployment.spec['template']);
  const migration = template.safeParse(job.spec['template']);
  if (!server.success || !migration.success)
    return [server, migration].flatMap(({ error }) => (error?.issues ?? []).map(issueText));
  const expect = (isTrue: boolean, problem: string): string[] => (isTrue ? [] : [problem]);
  const [{ livenessProbe, readinessProbe, ports }] = server.data.spec.containers;
  const hooks = job.metadata.annotations?.['helm.sh/hook'] ?? '';
  const selected = ['Deployment', 'Service', 'PodDisruptionBudget'].map((kind) => ({
    kind,
    labels: selectorOf(find(kind)),
  }));
  return [
    ...expect(Boolean(livenessProbe && readinessProbe), 'the pods must have probes'),
    ...expect(
      migration.data.spec.containers[0].command?.join(' ') === 'doorward migrate',
      'the job must migrate',
    ),
    ...expect(hooks.split(',').includes('pre-upgrade'), 'the job must run before an upgrade'),
    ...selected.flatMap(({ kind, labels: chosen }) => [
      ...expect(isPartOf(chosen, server.data.metadata.labels), `${kind} does not select the pods`),
      ...expect(
        !isPartOf(chosen, migration.data.metadata.labels),
        `${kind} selects the pods of the migration`,
      ),
    ]),
    ...expect(
      ['nodeSelector', 'tolerations'].every((name) =>
        isDeepStrictEqual(migration.data.spec[name], server.data.spec[name]),
      ),
      'the job must run where the pods do',
    ),
    ...podProblems(server.data.spec).map((problem) => `Deployment: ${problem}`),
    ...podProblems(migration.data.spec).map((problem) => `Job: ${problem}`),
    ...portProblems(server.data.spec, ports),
    ...graceProblems(server.data.spec),
  ];
}

/** Every setting is one; a secret comes from a file that is mounted; and with all of it the service would start. */
function podProblems({ containers: [{ env, volumeMounts }], volumes }: PodSpec): string[] {
  const mount = volumeMounts.find(({ name }) => name === 'secrets')?.mountPath ?? '';
  const files = volumes.flatMap(({ secret }) => secret?.items ?? []).map((item) => `${mount}/${item.path}`);
  const names = env.map(({ name }) => name);
  return [
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} stands twice`),
    ...env.flatMap(({ name, value }) => {
      const setting = (settings as Record<string, Setting<unknown>>)[name.replace(/_FILE$/, '')];
      if (!setting) return [`${name} is no setting`];
      if (!name.endsWith('_FILE'))
        return setting.secret ? [`${name} is a secret: it must come from a file`] : [];
      if (!setting.secret) return [`${name} is no secret: it cannot come from a file`];
      return files.includes(value) ? [] : [`${name} names a file that is not mounted`];
    }),
    ...startProblems(env),
  ];
}

const samples: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgres://doorward:sample@postgres:5432/doorward',
  MIGRATION_DATABASE_URL: 'postgres://owner:sample@postgres:5432/doorward',
  SECRET_KEYS: Buffer.from('secret key of 32 bytes, a sample').toString('base64url'),
  COOKIE_KEYS: Buffer.from('cookie key of 32 bytes, a sample').toString('base64url'),
  SMTP_URL: 'smtps://mail.example.com',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20sample',
};

function startProblems(env: PodSpec['containers'][0]['env']): string[] {
  const entries = env.map(({ name, value }) => {
    const setting = name.replace(/_FILE$/, '');
    return name === setting ? [name, value] : [setting, samples[setting] ?? ''];
  });
  try {
    loadConfig(Object.fromEntries(entries) as Record<string, string>);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map((problem) => `the service would not start: ${problem}`);
  }
}

/** A pod must not be killed before the process has ended by itself (src/main.ts). */
function graceProblems({
  containers: [{ env }],
  terminationGracePeriodSeconds: grace = 30,
}: PodSpec): string[] {
  const drain = Number(env.find(({ name }) => name === 'DRAIN_SECONDS')?.value ?? 3);
  const longest = Math.max(10, drain + 7);
  return grace > longest ? [] : [`the pod is killed after ${grace} seconds, but may need ${longest}`];
}

function portProblems(
  { containers: [{ env }] }: PodSpec,
  ports: PodSpec['containers'][0]['ports'],
): string[] {
  const pairs = [
    ['PORT', 'http'],
    ['METRICS_PORT', 'metrics'],
  ] as const;
  return pairs.flatMap(([setting, name]) => {
    const value = env.find((item) => item.name === setting)?.value;
    const port = ports.find((item) => item.name === name)?.containerPort;
    return value === String(port) ? [] : [`the port ${name} is ${port}, but ${setting} is ${value}`];
  });
}

/** Secrets are named once, and the version is that of the package. */
function chartFileProblems({ values }: ChartFiles): string[] {
  const { secretSettings } = parse(values) as { readonly secretSettings: readonly string[] };
  const unknown = secretSettings.filter((name) => !(name in samples));
  return unknown.map((name) => `secretSettings has ${name}, of which this check has no sample`);
}

function selectorOf(item: Manifest | undefined): Record<string, string> {
  const selector = (item?.spec['selector'] ?? {}) as Record<string, unknown>;
  return (selector['matchLabels'] ?? selector) as Record<string, string>;
}

function isPartOf(part: Record<string, string>, whole: Record<string, string>): boolean {
  const entries = Object.entries(part);
  return entries.length > 0 && entries.every(([key, value]) => whole[key] === value);
}

/** As Helm merges values: maps by their members, everything else as a whole. */
function merged(base: unknown, more: unknown): unknown {
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap(base) || !isMap(more)) return more;
  const entries = Object.entries(more).map(([key, value]) => [
    key,
    key in base ? merged(base[key], value) : value,
  ]);
  return { ...base, ...(Object.fromEntries(entries) as object) };
}

function issueText({ path: at, message }: z.core.$ZodIssue): string {
  return `${at.join('.')}: ${message}`;
}
