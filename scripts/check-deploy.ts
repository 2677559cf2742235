/**
 * npm run check:deploy: what must be true of Dockerfile, docker-compose.yml and deploy/, checked without Docker, Helm and
 * Prometheus. The rules are functions from text to problems; test/docs.test.ts and test/deploy.test.ts prove that they
 * find what is wrong.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DockerfileParser, JSONInstruction, PropertyInstruction } from 'dockerfile-ast';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { ConfigurationError, loadConfig } from '../config/load.ts';
import { type Setting, settings } from '../config/settings.ts';
import { type ChartFiles, chartProblems } from './check-chart.ts';
import { alertProblems, dashboardProblems, runbookProblems } from './check-monitoring.ts';

const root = path.resolve(import.meta.dirname, '..');

const keywords = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
);

export function dockerfileProblems(text: string, ignoreFile: string): string[] {
  const file = DockerfileParser.parse(text);
  const instructions = file.getInstructions();
  const all = (keyword: string) => instructions.filter((item) => item.getKeyword() === keyword);
  const lastStage = instructions.slice(instructions.findLastIndex((item) => item.getKeyword() === 'FROM'));
  const last = (keyword: string) => lastStage.findLast((item) => item.getKeyword() === keyword);
  const env = environmentOf(text);
  const problems: string[] = [];
  const expect = (isTrue: boolean, problem: string): void => {
    if (!isTrue) problems.push(problem);
  };

  for (const item of instructions) {
    expect(keywords.has(item.getKeyword()), `${item.getKeyword()} is no instruction`);
  }
  for (const from of file.getFROMs()) {
    const image = from.getImage() ?? '';
    expect(
      isPinned(image),
      `the base image ${image} must be pinned by a tag with a version, or by its digest`,
    );
  }
  expect(all('FROM').length > 1, 'what builds must be another stage than what runs');
  expect(all('ADD').length === 0, 'ADD fetches and unpacks; use COPY');
  const copied = file.getCOPYs().filter((copy) => copy.getFromFlag() === null);
  for (const source of copied.flatMap((copy) => copy.getArguments().slice(0, -1))) {
    const name = source.getValue();
    expect(existsSync(path.join(root, name)), `COPY of ${name}, which does not exist`);
    expect(ignoreFile.split('\n').includes(`!${name}`), `.dockerignore does not let ${name} through`);
  }
  expect(ignoreFile.split('\n').includes('*'), '.dockerignore must begin with nothing');

  const installs = all('RUN').some((run) => /npm ci .*--omit=dev\b/.test(run.getArgumentsContent() ?? ''));
  expect(installs, 'dependencies come from the lock, without those of development: npm ci --omit=dev');
  const user = last('USER')?.getArgumentsContent() ?? 'root';
  expect(!/^(root|0)(:|$)/.test(user), 'the service must not run as root');
  const health = last('HEALTHCHECK')?.getArgumentsContent() ?? 'NONE';
  expect(/\/readyz\b/.test(health), 'there must be a HEALTHCHECK that asks /readyz');
  const command = last('CMD');
  const words =
    command instanceof JSONInstruction ? command.getJSONStrings().map((word) => word.getJSONValue()) : [];
  expect(
    words.join(' ') === 'node src/main.ts',
    'CMD must be ["node", "src/main.ts"], or signals would not arrive',
  );
  expect(env['NODE_ENV'] === 'production', 'NODE_ENV must be production');
  expect(env['HOST'] === '0.0.0.0', 'HOST must be 0.0.0.0: a container that listens to itself hears nobody');
  expect(env['NODE_COMPILE_CACHE'] !== undefined, 'NODE_COMPILE_CACHE is not set');
  for (const name of [
    ...Object.keys(env),
    ...file.getARGs().map((arg) => arg.getProperty()?.getName() ?? ''),
  ]) {
    expect(!isSecretName(name), `${name} is a secret: it must not be part of the image`);
  }
  return problems;
}

/** What ENV sets in the stage that runs. */
function environmentOf(dockerfile: string): Record<string, string> {
  const instructions = DockerfileParser.parse(dockerfile).getInstructions();
  const from = instructions.findLastIndex((item) => item.getKeyword() === 'FROM');
  const properties = instructions
    .slice(from)
    .filter((item) => item instanceof PropertyInstruction && item.getKeyword() === 'ENV')
    .flatMap((item) => (item as PropertyInstruction).getProperties());
  return Object.fromEntries(properties.map((item) => [item.getName(), item.getValue() ?? '']));
}

/** A tag with a version in it, or a digest. "latest" is whatever it is that day. */
function isPinned(image: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(image) || /:[^/]*\d[^/]*$/.test(image);
}

function isSecretName(name: string): boolean {
  const setting = (settings as Record<string, Setting<unknown>>)[name];
  return setting?.secret === true || /PASSWORD|SECRET|TOKEN|_KEYS?$/.test(name);
}

const service = z.strictObject({
  build: z.string().optional(),
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).default({}),
  healthcheck: z
    .strictObject({
      test: z.tuple([z.literal('CMD')]).rest(z.string()),
      interval: z.string(),
      timeout: z.string(),
      retries: z.number(),
    })
    .optional(),
  restart: z.string(),
  read_only: z.literal(true),
  tmpfs: z.array(z.string()),
  cap_drop: z.array(z.literal('ALL')).optional(),
  security_opt: z.array(z.string()),
});
/** Of all that compose understands, what we use: a member that is misspelt is a problem and not a wish. */
const compose = z.strictObject({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
});

type Service = z.output<typeof service>;

export function composeProblems(text: string, dockerfile: string): string[] {
  const document = parseDocument(text);
  const faults = [...document.errors, ...document.warnings].map(({ message }) => message);
  if (faults.length > 0) return faults;
  const parsed = compose.safeParse(document.toJS());
  if (!parsed.success)
    return parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
  const { services, secrets } = parsed.data;
  const used = new Set(Object.values(services).flatMap((item) => item.secrets));
  return [
    ...Object.entries(services).flatMap(([title, item]) =>
      [
        ...serviceProblems(item),
        ...environmentProblems(item),
        ...Object.keys(item.depends_on)
          .filter((other) => !(other in services))
          .map((other) => `depends on ${other}, which is no service`),
        ...item.secrets
          .filter((secret) => !(secret in secrets))
          .map((secret) => `secret ${secret} is not defined`),
      ].map((problem) => `${title}: ${problem}`),
    ),
    ...Object.entries(secrets).flatMap(([secret, { file }]) => [
      ...(used.has(secret) ? [] : [`secret ${secret} is used by nobody`]),
      ...(file.startsWith('.data/') ? [] : [`secret ${secret} must lie in .data/, which git ignores`]),
    ]),
    ...startProblems(services['doorward'], dockerfile),
  ];
}

function serviceProblems({ build, image, healthcheck, ports, security_opt: options }: Service): string[] {
  return [
    ...(isPinned(image) ? [] : [`the image ${image} must have a tag with a version`]),
    ...(healthcheck || build !== undefined ? [] : ['there is no health check']),
    ...(options.includes('no-new-privileges:true') ? [] : ['no-new-privileges is missing']),
    ...ports
      .filter((port) => !port.startsWith('127.0.0.1:'))
      .map((port) => `port ${port} is open to the network`),
  ];
}

/** A secret comes from a file under /run/secrets that is handed to this service; never as text. */
function environmentProblems({ environment, secrets }: Service): string[] {
  return Object.entries(environment).flatMap(([key, value]) => {
    if (key.endsWith('_FILE')) {
      return secrets.some((secret) => value === `/run/secrets/${secret}`)
        ? []
        : [`${key} names no secret of this service`];
    }
    const url = URL.parse(value);
    if (url ? url.password !== '' : isSecretName(key)) return [`${key} is a secret: use ${key}_FILE`];
    return [];
  });
}

/** Whether the service would start with what the image and the compose file set, by its own loader. */
function startProblems(doorward: Service | undefined, dockerfile: string): string[] {
  if (!doorward) return ['there is no service doorward'];
  const samples: Record<string, string> = {
    DATABASE_URL: 'postgres://doorward:sample@postgres:5432/doorward',
    SECRET_KEYS: Buffer.from('secret key of 32 bytes, a sample').toString('base64url'),
    COOKIE_KEYS: Buffer.from('cookie key of 32 bytes, a sample').toString('base64url'),
  };
  const given = { ...environmentOf(dockerfile), ...doorward.environment };
  const env = Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      const setting = key.replace(/_FILE$/, '');
      return key.endsWith('_FILE') ? [setting, samples[setting] ?? ''] : [key, value];
    }),
  );
  const known = new Set<string>([...Object.keys(settings), 'NODE_COMPILE_CACHE']);
  const unknown = Object.keys(env).filter((key) => !known.has(key));
  try {
    loadConfig(env);
    return unknown.map((key) => `doorward: ${key} is no setting`);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map((problem) => `doorward would not start: ${problem}`);
  }
}

/** The chart as it lies in deploy/. */
export function readChart(): ChartFiles {
  const folder = 'deploy/helm/doorward';
  const names = readdirSync(path.join(root, folder, 'templates'));
  return {
    chart: read(`${folder}/Chart.yaml`),
    values: read(`${folder}/values.yaml`),
    templates: Object.fromEntries(names.map((name) => [name, read(`${folder}/templates/${name}`)])),
  };
}

export function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

if (import.meta.main) {
  const dockerfile = read('Dockerfile');
  const runbooks = readdirSync(path.join(root, 'docs/runbooks')).map((name) => `docs/runbooks/${name}`);
  const checked: Readonly<Record<string, string[]>> = {
    Dockerfile: dockerfileProblems(dockerfile, read('.dockerignore')),
    'docker-compose.yml': composeProblems(read('docker-compose.yml'), dockerfile),
    'deploy/helm/doorward': chartProblems(readChart()),
    'deploy/prometheus/alerts.yaml': alertProblems(read('deploy/prometheus/alerts.yaml')),
    'deploy/grafana/doorward.json': dashboardProblems(read('deploy/grafana/doorward.json')),
    ...Object.fromEntries(runbooks.map((file) => [file, runbookProblems(read(file))])),
  };
  const problems = Object.entries(checked).flatMap(([file, found]) =>
    found.map((problem) => `${file}: ${problem}`),
  );
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
