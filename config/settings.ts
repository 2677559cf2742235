/**
 * The one table of settings. The type `Config` is inferred from it, `docs/configuration.md` is generated from it,
 * and `config/load.ts` is the only reader of the environment.
 */
import { createHash, createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { z } from 'zod';

export interface Setting<Output> {
  /** Turns the text of the environment into the value; its message says what a right value looks like. */
  readonly parse: z.ZodType<Output, string>;
  /** Used when the variable is absent or empty; undefined leaves the setting unset. */
  readonly fallback?: string;
  /** Never printed, and also read from the file named by `<NAME>_FILE`. */
  readonly secret?: true;
  readonly about: string;
}

const text = z.string();

const origin = z.string().transform((value, issue) => {
  const url = URL.parse(value);
  if (url && /^https?:$/.test(url.protocol) && url.origin === value) return value;
  issue.addIssue(
    'must be an origin such as https://login.example.com, without a path and without a slash at its end',
  );
  return z.NEVER;
});

const absoluteUrl = (protocols: readonly string[]) =>
  z.string().refine((value) => protocols.includes(URL.parse(value)?.protocol ?? ''), {
    error: `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

/** One mailbox, with or without a name: `Acme <login@acme.example>` (RFC 5322 §3.4). */
const mailbox = z.string().transform((value, issue) => {
  const [, name = '', bracketed, bare] = /^(?:([^<>\p{Cc}]*)<([^\s<>]+)>|([^\s<>]+))$/u.exec(value) ?? [];
  const address = bracketed ?? bare ?? '';
  if (/^[^@,;:"()\\]+@[a-z0-9.-]+$/i.test(address)) {
    return { name: name.trim().replace(/^"(.*)"$/, '$1'), address };
  }
  issue.addIssue('must be an email address, or a name and one, such as Acme <login@acme.example>');
  return z.NEVER;
});

const number = (from: number, to: number, what = 'number') =>
  z
    .string()
    .regex(/^\d{1,7}$/, `must be a ${what} from ${from} to ${to}`)
    .transform(Number)
    .refine((value) => value >= from && value <= to, `must be a ${what} from ${from} to ${to}`);
const seconds = (from: number, to: number) => number(from, to, 'number of seconds');
const port = number(1, 65_535, 'port number');

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

/** Two at least: what one of them says alone proves nothing. */
const dnsServers = list.refine((items) => new Set(items).size >= 2 && items.every(isServer), {
  error: 'must be a comma-separated list of two or more addresses such as 192.0.2.53 or [2001:db8::53]:5353',
});

/** An IP address, with a port or without; IPv6 with a port stands in brackets. */
function isServer(text: string): boolean {
  const [, bracketed, plain, port = '53'] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  return isIP(address) >= (bracketed ? 6 : 4) && Number(port) >= 1 && Number(port) <= 65_535;
}

/** 32 bytes each, newest first; a key's id is the first 8 hex digits of its SHA-256. */
const keys = list.transform((items, issue) => {
  const parsed = items.map((item) => Buffer.from(item, 'base64url'));
  if (parsed.length === 0 || parsed.some((key) => key.length !== 32)) {
    issue.addIssue('must be a comma-separated list of base64url values of 32 bytes each, newest first');
    return z.NEVER;
  }
  return parsed.map((bytes) => ({ id: createHash('sha256').update(bytes).digest('hex').slice(0, 8), bytes }));
});

/** As Apple hands it out (.p8); its line breaks may have become \\n on the way into an environment. */
const applePrivateKey = z.string().transform((value, issue) => {
  try {
    const key = createPrivateKey(value.replaceAll('\\n', '\n'));
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1')
      return String(key.export({ type: 'pkcs8', format: 'pem' }));
  } catch {
    // what it complains about it would quote
  }
  issue.addIssue('must be the private key (.p8) of a key for Sign in with Apple');
  return z.NEVER;
});

/** `name=value` pairs apart by commas, the values percent-encoded (OpenTelemetry's form, after W3C Baggage). */
const headers = list.transform((items, issue) => {
  const pairs = items.map((item) => /^([\w!#$%&'*+.^`|~-]+)\s*=\s*([!-~]*)$/.exec(item));
  try {
    const given = pairs.map((pair) => [pair?.[1] ?? '', decodeURIComponent(pair?.[2] ?? '')] as const);
    if (given.every(([name, value]) => name !== '' && !/\p{Cc}/u.test(value)))
      return Object.fromEntries(given);
  } catch {
    // what it complains about it would quote
  }
  issue.addIssue('must be comma-separated headers such as authorization=Bearer%20abc');
  return z.NEVER;
});

const appleId = text.regex(/^[A-Z0-9]{10}$/, 'must have ten capital letters and digits');

const setting = <const Given extends Setting<unknown>>(given: Given): Given => given;

export const settings = {
  PORT: setting({ parse: port, fallback: '3000', about: 'The port to listen on.' }),
  HOST: setting({
    parse: text,
    fallback: 'localhost',
    about: 'The address to listen on; 0.0.0.0 (or ::) in a container.',
  }),
  METRICS_PORT: setting({
    parse: port,
    about:
      'A port for GET /metrics alone, for Prometheus: whoever reaches it may read the numbers, so no proxy may lead to it. Without it production has no metrics; anywhere else they are at PORT.',
  }),
  ISSUER: setting({
    parse: origin,
    about:
      'The public origin, and the issuer of every token. Every link and address is made from it alone, whatever the headers of a request say. Default: http://localhost:<PORT>.',
  }),
  DATABASE_URL: setting({
    parse: absoluteUrl(['postgres:', 'postgresql:']),
    secret: true,
    about: 'The PostgreSQL (15 or later) to use. Without it an embedded PostgreSQL is started: the demo.',
  }),
  MIGRATION_DATABASE_URL: setting({
    parse: absoluteUrl(['postgres:', 'postgresql:']),
    secret: true,
    about:
      'The same database, by the role that owns its tables. With it, migrations run as this role, and that of DATABASE_URL gets no more than it needs: it can neither change the schema nor the audit trail. See docs/operations.md.',
  }),
  DATABASE_POOL_SIZE: setting({
    parse: z
      .string()
      .regex(/^[1-9]\d{0,2}$/, 'must be a number from 1 to 999')
      .transform(Number),
    fallback: '10',
    about:
      'How many connections to the database each replica has for its requests and jobs; three more are for signing keys, notifications and readiness.',
  }),
  DATABASE_WAIT_SECONDS: setting({
    parse: seconds(1, 60),
    fallback: '3',
    about:
      'How long a request waits for one of these connections, or for a new one, until it is refused with 503.',
  }),
  DATABASE_STATEMENT_SECONDS: setting({
    parse: seconds(1, 60),
    fallback: '10',
    about:
      'How long a statement may take; it waits two thirds of that for a lock, and is given up two seconds later when the database does not say a word.',
  }),
  DATABASE_START_SECONDS: setting({
    parse: seconds(0, 3600),
    fallback: '60',
    about: 'How long the start waits for a database that is not there yet, until the process ends with 1.',
  }),
  DRAIN_SECONDS: setting({
    parse: seconds(0, 300),
    about:
      'How long the process goes on serving after SIGTERM while it says that it is not ready, so that whoever balances the load notices and sends nothing more. Default: 3 with NODE_ENV=production, else 0.',
  }),
  DATA_DIR: setting({
    parse: text,
    fallback: '.data',
    about: 'Where the demo keeps its database and its keys.',
  }),
  SECRET_KEYS: setting({
    parse: keys,
    secret: true,
    about:
      'The keys that seal secrets in the database: comma-separated base64url of 32 bytes each, newest first. A new one is used once it stands first on every replica; a file is read again every two seconds. The demo makes its own in DATA_DIR/keys.json.',
  }),
  COOKIE_KEYS: setting({
    parse: keys,
    secret: true,
    about:
      'The keys that sign cookies, in the same form, and coming into use in the same way. The demo makes its own in DATA_DIR/keys.json.',
  }),
  SMTP_URL: setting({
    parse: absoluteUrl(['smtp:', 'smtps:']),
    secret: true,
    about: 'The mail server. Mail is kept in the outbox until it can be delivered.',
  }),
  MAIL_FROM: setting({
    parse: mailbox,
    fallback: 'Doorward <no-reply@localhost>',
    about: 'The sender of mail. In production it is needed beside `SMTP_URL`.',
  }),
  BRAND_NAME: setting({
    parse: text.max(60, 'must have 60 characters at most'),
    fallback: 'Doorward',
    about: 'What the service is called in its mails, and on pages that belong to no product.',
  }),
  BRAND_COLOR: setting({
    parse: text.regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #0f5c5c'),
    fallback: '#0f5c5c',
    about: 'The colour of buttons and links. Text on it is made black or white, whichever is read better.',
  }),
  BRAND_LOGO_URL: setting({
    parse: absoluteUrl(['https:']),
    about: 'A logo for pages that belong to no product.',
  }),
  SUPPORT_URL: setting({
    parse: absoluteUrl(['https:']),
    about: 'Where people find help: linked from mails, and from pages that say no.',
  }),
  SUPPORT_EMAIL: setting({
    parse: text.regex(/^[!-~]+@[!-~]+$/, 'must be an email address'),
    about: 'Whom people can write to: named in mails, and on pages that say no.',
  }),
  SIGN_IN_URL: setting({
    parse: absoluteUrl(['https:', 'http:']),
    about:
      "The vendor's own sign-in page, instead of the built-in ones. It must share the issuer's registrable domain, or its browser would not send our cookies.",
  }),
  TRUSTED_PROXIES: setting({
    parse: list,
    fallback: '',
    about: 'Comma-separated addresses or networks (CIDR) of the proxies whose X-Forwarded-For is believed.',
  }),
  DNS_RESOLVERS: setting({
    parse: dnsServers,
    fallback: '1.1.1.1,8.8.8.8',
    about:
      'Comma-separated addresses, with a port where it is not 53, of the DNS servers that are asked for the record that proves a domain. All must agree, so name at least two, of different operators.',
  }),
  SIGN_UP: setting({
    parse: z.enum(['closed', 'open'], { error: 'must be closed or open' }),
    fallback: 'closed',
    about:
      'Whether somebody unknown who comes by a social provider gets a user: closed or open. Such a user is in no account, and may use nothing until somebody lets them in.',
  }),
  GOOGLE_CLIENT_ID: setting({ parse: text, about: 'Sign-in with Google: see docs/integration/social.md.' }),
  GOOGLE_CLIENT_SECRET: setting({ parse: text, secret: true, about: 'The client secret at Google.' }),
  MICROSOFT_CLIENT_ID: setting({
    parse: text,
    about: 'Sign-in with Microsoft: see docs/integration/social.md.',
  }),
  MICROSOFT_CLIENT_SECRET: setting({ parse: text, secret: true, about: 'The client secret at Microsoft.' }),
  LINKEDIN_CLIENT_ID: setting({
    parse: text,
    about: 'Sign-in with LinkedIn: see docs/integration/social.md.',
  }),
  LINKEDIN_CLIENT_SECRET: setting({ parse: text, secret: true, about: 'The client secret at LinkedIn.' }),
  FACEBOOK_CLIENT_ID: setting({
    parse: text,
    about: 'Sign-in with Facebook, the app id: see docs/integration/social.md.',
  }),
  FACEBOOK_CLIENT_SECRET: setting({ parse: text, secret: true, about: 'The app secret at Facebook.' }),
  FACEBOOK_GRAPH_VERSION: setting({
    parse: text.regex(/^v\d{1,3}\.\d$/, 'must be a version such as v25.0'),
    fallback: 'v25.0',
    about: "The version of Facebook's Graph API. Each is switched off about two years after it came out.",
  }),
  APPLE_CLIENT_ID: setting({
    parse: text,
    about: 'Sign-in with Apple, the Services ID: see docs/integration/social.md.',
  }),
  APPLE_TEAM_ID: setting({ parse: appleId, about: 'The team at Apple.' }),
  APPLE_KEY_ID: setting({ parse: appleId, about: 'The id of the key at Apple.' }),
  APPLE_PRIVATE_KEY: setting({
    parse: applePrivateKey,
    secret: true,
    about:
      'The key itself, as Apple hands it out once (.p8). The client secrets are made of it as they are needed.',
  }),
  GITHUB_CLIENT_ID: setting({ parse: text, about: 'Sign-in with GitHub: see docs/integration/social.md.' }),
  GITHUB_CLIENT_SECRET: setting({ parse: text, secret: true, about: 'The client secret at GitHub.' }),
  SOCIAL_URL: setting({
    parse: absoluteUrl(['https:', 'http:']).transform((value) => value.replace(/\/+$/, '')),
    about:
      'For rehearsals: a server that plays all six social providers, each below its name. Whoever is there says who everybody is, so production refuses it. The demo plays those that have no settings of their own.',
  }),
  API_REQUESTS_PER_MINUTE: setting({
    parse: number(1, 9_999_999),
    fallback: '600',
    about: 'How many requests of the admin interface each of its callers has, on each replica.',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting({
    parse: absoluteUrl(['https:', 'http:'])
      // what lets us in there is a header: this is no secret, and is printed
      .refine((value) => !/[@?#]/.test(value), { error: 'must have no login, query or fragment' })
      .transform((value) => value.replace(/\/+$/, '')),
    about:
      'Where traces go: an OpenTelemetry collector that takes OTLP over HTTP, such as http://collector:4318. Without it none are made. See docs/operations.md.',
  }),
  OTEL_EXPORTER_OTLP_HEADERS: setting({
    parse: headers,
    secret: true,
    about: 'Headers that the collector asks for: comma-separated name=value, the values percent-encoded.',
  }),
  OTEL_SERVICE_NAME: setting({
    parse: text.max(100, 'must have 100 characters at most'),
    fallback: 'doorward',
    about: 'What the service is called in its traces.',
  }),
  OTEL_TRACES_SAMPLER_ARG: setting({
    parse: z
      .string()
      .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'must be a share from 0 to 1')
      .transform(Number),
    fallback: '1',
    about: 'The share of requests and jobs that are traced, from 0 to 1.',
  }),
  PASSWORD_WAIT_SECONDS: setting({
    parse: seconds(1, 60),
    fallback: '1',
    about:
      'Within what time a password that has no turn to be hashed is answered 503. It waits three quarters of it.',
  }),
  LOG_LEVEL: setting({
    parse: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'must be fatal, error, warn, info, debug, trace or silent',
    }),
    fallback: 'info',
    about: 'How much is logged: fatal, error, warn, info, debug, trace or silent.',
  }),
  NODE_ENV: setting({
    // a misspelt "production" must not be a demo that everybody can enter
    parse: z.enum(['development', 'test', 'production'], {
      error: 'must be development, test or production',
    }),
    fallback: 'development',
    about: 'With `production` an unsafe or incomplete configuration is refused and the demo is never loaded.',
  }),
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;

type Parsed<Name extends SettingName> = z.output<(typeof settings)[Name]['parse']>;
type WithFallback = {
  [Name in SettingName]: (typeof settings)[Name] extends { fallback: string } ? Name : never;
}[SettingName];

/** Every setting's value as the table parses it; one without a fallback may be absent. */
export type SettingValues = { readonly [Name in SettingName]: Parsed<Name> | undefined } & {
  readonly [Name in WithFallback]: Parsed<Name>;
};
