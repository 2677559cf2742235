/** Environment → Config. Reports every problem at once, so that nobody fixes a deployment one restart at a time. */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import { getDomain } from 'tldts';
import { settings, type SettingName, type SettingValues } from './settings.ts';
import { type SocialClients, socialClients, socialProblems } from './social.ts';
import { tracesConfig, type TracesConfig } from './traces.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Keys = NonNullable<SettingValues['SECRET_KEYS']>;
type Key = Keys[number];

/** How the service presents itself to people. */
export interface Brand {
  readonly name: string;
  /** #rrggbb */
  readonly color: string;
  readonly logoUrl: string | undefined;
  readonly supportUrl: string | undefined;
  readonly supportEmail: string | undefined;
}

export interface Config {
  readonly port: number;
  readonly host: string;
  /** Undefined where the metrics have no port of their own. */
  readonly metricsPort: number | undefined;
  /** The public origin; also the `iss` of every token. */
  readonly issuer: string;
  /** Undefined means the embedded PostgreSQL in `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** The same database by the role that owns it; undefined where the service's own role does. */
  readonly migrationDatabaseUrl: string | undefined;
  /** How many connections, and how patiently. */
  readonly database: {
    readonly max: number;
    readonly waitSeconds: number;
    readonly statementSeconds: number;
    readonly startSeconds: number;
  };
  /** How long it serves after SIGTERM, in seconds. */
  readonly drainSeconds: number;
  readonly dataDir: string;
  readonly secretKeys: readonly [Key, ...Key[]];
  readonly cookieKeys: readonly [Key, ...Key[]];
  /** Both lists as they stand in the environment and its files now. Throws ConfigurationError. */
  readonly readKeys: () => Pick<Config, 'secretKeys' | 'cookieKeys'>;
  readonly smtpUrl: string | undefined;
  /** The sender of mail; without a name it is the empty text. */
  readonly mailFrom: { readonly name: string; readonly address: string };
  readonly brand: Brand;
  readonly signInUrl: string | undefined;
  readonly trustedProxies: readonly string[];
  readonly apiRequestsPerMinute: number;
  readonly passwordWaitSeconds: number;
  /** Two or more; what they do not agree on is not proven. */
  readonly dnsResolvers: readonly string[];
  /** The social providers that are switched on. */
  readonly social: SocialClients;
  /** Whether somebody unknown who comes by one of them gets a user. */
  readonly signUp: 'closed' | 'open';
  /** Undefined where none are made. */
  readonly traces: TracesConfig | undefined;
  readonly logLevel: string;
  readonly production: boolean;
  /** The demo world, its start page and its product app: only without a database of one's own. */
  readonly demo: boolean;
}

export class ConfigurationError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem(s):\n${problems.map((text) => `  - ${text}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/** Reads the settings from `env` (process.env unless a test says otherwise). Throws ConfigurationError. */
export function loadConfig(env: Environment = process.env): Config {
  const problems: string[] = [];
  const values = readSettings(env, problems);
  const production = values.NODE_ENV === 'production';
  const demo = !isSet(env, 'DATABASE_URL') && !production;
  const made =
    demo && (!values.SECRET_KEYS || !values.COOKIE_KEYS) ? demoKeys(values.DATA_DIR, problems) : undefined;
  const issuer = values.ISSUER ?? `http://localhost:${values.PORT}`;
  const config = {
    port: values.PORT,
    host: values.HOST,
    metricsPort: values.METRICS_PORT,
    issuer,
    databaseUrl: values.DATABASE_URL,
    migrationDatabaseUrl: values.MIGRATION_DATABASE_URL,
    database: {
      max: values.DATABASE_POOL_SIZE,
      waitSeconds: values.DATABASE_WAIT_SECONDS,
      statementSeconds: values.DATABASE_STATEMENT_SECONDS,
      startSeconds: values.DATABASE_START_SECONDS,
    },
    drainSeconds: values.DRAIN_SECONDS ?? (production ? 3 : 0),
    dataDir: values.DATA_DIR,
    secretKeys: values.SECRET_KEYS ?? made?.secretKeys ?? [],
    cookieKeys: values.COOKIE_KEYS ?? made?.cookieKeys ?? [],
    readKeys: () => {
      const { secretKeys, cookieKeys } = loadConfig(env);
      return { secretKeys, cookieKeys };
    },
    smtpUrl: values.SMTP_URL,
    mailFrom: values.MAIL_FROM,
    brand: brandOf(values),
    signInUrl: values.SIGN_IN_URL,
    trustedProxies: values.TRUSTED_PROXIES,
    apiRequestsPerMinute: values.API_REQUESTS_PER_MINUTE,
    passwordWaitSeconds: values.PASSWORD_WAIT_SECONDS,
    dnsResolvers: values.DNS_RESOLVERS,
    social: socialClients(values, { demoUrl: demo ? `${issuer}/demo/idp/social` : undefined }),
    signUp: values.SIGN_UP,
    traces: tracesConfig(values),
    logLevel: values.LOG_LEVEL,
    production,
    demo,
  };
  problems.push(...keyProblems(values, demo, env), ...signInUrlProblems(config), ...proxyProblems(config));
  problems.push(...socialProblems(values, { isSet: (name) => isSet(env, name), production }));
  if (values.METRICS_PORT === values.PORT) problems.push('METRICS_PORT must be another port than PORT');
  if (isSet(env, 'MIGRATION_DATABASE_URL') && !isSet(env, 'DATABASE_URL'))
    problems.push('MIGRATION_DATABASE_URL needs DATABASE_URL beside it, by another role');
  if (production) problems.push(...productionProblems(values, env));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return config as typeof config & Pick<Config, 'secretKeys' | 'cookieKeys'>;
}

function brandOf(values: SettingValues): Brand {
  return {
    name: values.BRAND_NAME,
    color: values.BRAND_COLOR,
    logoUrl: values.BRAND_LOGO_URL,
    supportUrl: values.SUPPORT_URL,
    supportEmail: values.SUPPORT_EMAIL,
  };
}

function readSettings(env: Environment, problems: string[]): SettingValues {
  const entries = (Object.keys(settings) as SettingName[]).map((name) => {
    const { parse, fallback } = settings[name] as {
      parse: (typeof settings)['PORT']['parse'];
      fallback?: string;
    };
    const given = readValue(name, env, problems);
    const text = given === undefined || given === '' ? fallback : given;
    if (text === undefined) return [name, undefined];
    const result = parse.safeParse(text);
    if (!result.success) problems.push(`${name} ${result.error.issues[0]?.message ?? 'is not valid'}`);
    return [name, result.success ? result.data : parse.safeParse(fallback ?? '').data];
  });
  return Object.fromEntries(entries) as SettingValues;
}

/** A secret may also come from the file named by `<NAME>_FILE`, so that it never stands in a process list. */
function readValue(name: SettingName, env: Environment, problems: string[]): string | undefined {
  const file = 'secret' in settings[name] ? env[`${name}_FILE`] : undefined;
  if (!file) return env[name];
  if (env[name]) problems.push(`${name} and ${name}_FILE are both set; set one`);
  try {
    const text = readFileSync(file, 'utf8').trim();
    // a mount that failed: taken for absent, it would start the demo, or a service without keys
    if (text === '') problems.push(`${name}_FILE names a file that is empty`);
    return text;
  } catch {
    problems.push(`${name}_FILE names a file that cannot be read`);
    return undefined;
  }
}

/** Whether somebody wanted to set it, be the value right or wrong. */
function isSet(env: Environment, name: SettingName): boolean {
  return Boolean(env[name]) || ('secret' in settings[name] && Boolean(env[`${name}_FILE`]));
}

/** The demo's own keys, made once and readable by its user only. */
function demoKeys(dataDir: string, problems: string[]): { secretKeys: Keys; cookieKeys: Keys } | undefined {
  try {
    const stored = JSON.parse(storedDemoKeys(dataDir)) as Record<string, string>;
    return {
      secretKeys: settings.SECRET_KEYS.parse.parse(stored['SECRET_KEYS']),
      cookieKeys: settings.COOKIE_KEYS.parse.parse(stored['COOKIE_KEYS']),
    };
  } catch {
    // without the cause: what complains about bad JSON quotes it, and these are keys
    problems.push('DATA_DIR must be a folder that can be written, and its keys.json whole, if there is one');
    return undefined;
  }
}

function storedDemoKeys(dataDir: string): string {
  const file = path.join(dataDir, 'keys.json');
  if (!existsSync(file)) makeDemoKeys(dataDir, file);
  return readFileSync(file, 'utf8');
}

function makeDemoKeys(dataDir: string, file: string): void {
  mkdirSync(dataDir, { recursive: true });
  const fresh = (): string => randomBytes(32).toString('base64url');
  const draft = `${file}.${randomBytes(8).toString('hex')}`;
  writeFileSync(draft, JSON.stringify({ SECRET_KEYS: fresh(), COOKIE_KEYS: fresh() }), { mode: 0o600 });
  try {
    // a link appears whole or not at all: of two processes that start at once, both read the keys of the first
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
}

function keyProblems(values: SettingValues, demo: boolean, env: Environment): string[] {
  const problems: string[] = [];
  for (const name of ['SECRET_KEYS', 'COOKIE_KEYS'] as const) {
    if (!isSet(env, name) && !demo) problems.push(`${name} is missing; ${settings[name].about}`);
    if ((values[name] ?? []).some((key) => new Set(key.bytes).size < 8)) {
      problems.push(`${name} holds a key that is not random`);
    }
  }
  const secretIds = new Set((values.SECRET_KEYS ?? []).map((key) => key.id));
  if ((values.COOKIE_KEYS ?? []).some((key) => secretIds.has(key.id))) {
    problems.push('COOKIE_KEYS and SECRET_KEYS share a key; each needs keys of its own');
  }
  return problems;
}

function signInUrlProblems(config: Pick<Config, 'signInUrl' | 'issuer'>): string[] {
  if (config.signInUrl === undefined) return [];
  const [page, issuer] = [new URL(config.signInUrl), new URL(config.issuer)];
  const site = (url: URL): string => getDomain(url.hostname, { allowPrivateDomains: true }) ?? url.hostname;
  if (page.protocol === issuer.protocol && site(page) === site(issuer)) return [];
  return [`SIGN_IN_URL must have the scheme and the registrable domain of the issuer (${site(issuer)})`];
}

function proxyProblems(config: Pick<Config, 'trustedProxies'>): string[] {
  const bad = config.trustedProxies.filter((item) => !isNetwork(item));
  return bad.map(
    (item) => `TRUSTED_PROXIES: ${JSON.stringify(item)} is not an address or a network of limited size`,
  );
}

function isNetwork(item: string): boolean {
  const slash = item.indexOf('/');
  const version = isIP(slash === -1 ? item : item.slice(0, slash));
  if (version === 0 || slash === -1) return version !== 0;
  // a network of size 0 is everyone: whoever writes X-Forwarded-For would choose the address that is throttled
  const bits = item.slice(slash + 1);
  return /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}

/** What would be unsafe or incomplete in production (and is a convenience anywhere else). */
function productionProblems(values: SettingValues, env: Environment): string[] {
  const problems: string[] = [];
  if (!isSet(env, 'DATABASE_URL'))
    problems.push('DATABASE_URL is missing; the embedded PostgreSQL is for the demo only');
  if (!isSet(env, 'ISSUER')) problems.push('ISSUER is missing');
  // a sender that the mail server refuses is a no for good: the mail would be lost
  if (isSet(env, 'SMTP_URL') && !isSet(env, 'MAIL_FROM'))
    problems.push('MAIL_FROM is missing; SMTP_URL needs a sender beside it');
  if (values.ISSUER?.startsWith('http:')) problems.push('ISSUER must begin with https://');
  if (values.SIGN_IN_URL?.startsWith('http:')) problems.push('SIGN_IN_URL must begin with https://');
  return problems;
}
