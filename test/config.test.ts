/** The configuration: every setting, every refusal, and the keys that the demo makes for itself. */
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import t, { type Test } from 'tap';
import { type Config, ConfigurationError, loadConfig } from '../config/load.ts';
import { type SettingName, settings } from '../config/settings.ts';

interface Expectation {
  readonly read: (config: Config) => unknown;
  /** text of the environment → what the configuration says then */
  readonly good: readonly (readonly [text: string, value: unknown])[];
  /** Empty where every text is right. */
  readonly bad: readonly string[];
  /** What it is when nothing is set; undefined unless given. */
  readonly unset?: unknown;
  /** What must be set beside it. */
  readonly beside?: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const newKey = (): string => randomBytes(32).toString('base64url');
const idOf = (key: string): string =>
  createHash('sha256').update(Buffer.from(key, 'base64url')).digest('hex').slice(0, 8);
const idsOf = (keys: Config['secretKeys']): string[] => keys.map(({ id }) => id);

const [newer, older, cookie] = [newKey(), newKey(), newKey()];
const development = {
  DATABASE_URL: 'postgres://doorward@127.0.0.1:1/doorward',
  SECRET_KEYS: newer,
  COOKIE_KEYS: cookie,
};
const production = {
  ...development,
  NODE_ENV: 'production',
  ISSUER: 'https://login.example.com',
  MAIL_FROM: 'login@example.com',
};
const badKeys = ['short', `${newKey()},short`, newKey().slice(2), randomBytes(33).toString('hex'), ','];

const appleKey = (namedCurve: string): string =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const rsaKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;
const p256 = appleKey('P-256');
const appleSettings = {
  APPLE_CLIENT_ID: 'com.example.login',
  APPLE_TEAM_ID: 'ABCDE12345',
  APPLE_KEY_ID: 'KEY1234567',
  APPLE_PRIVATE_KEY: p256,
};
const badAppleIds = ['abcde12345', 'ABCDE1234', 'ABCDE123456', 'ABCDE-1234'];

/** An id and a secret, which go together. */
function clientOf<Provider extends 'google' | 'microsoft' | 'linkedin' | 'facebook' | 'github'>(
  provider: Provider,
) {
  const [id, secret] = ['ID', 'SECRET'].map((name) => `${provider.toUpperCase()}_CLIENT_${name}`);
  const beside = { [String(id)]: 'client-1', [String(secret)]: 'hush' };
  const expected: Record<string, Expectation> = {
    [String(id)]: { read: ({ social }) => social[provider]?.clientId, good: [['c', 'c']], bad: [], beside },
    [String(secret)]: {
      read: ({ social }) => social[provider]?.clientSecret,
      good: [['s', 's']],
      bad: [],
      beside,
    },
  };
  return expected as Record<`${Uppercase<Provider>}_CLIENT_${'ID' | 'SECRET'}`, Expectation>;
}

const badSeconds = ['0', '-1', '1.5', '61', '3s'];
const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

const expectations: Record<SettingName, Expectation> = {
  PORT: {
    read: (config) => config.port,
    good: [
      ['1', 1],
      ['65535', 65_535],
    ],
    bad: ['0', '65536', '-1', '3000.5', '0x50', '3e3', ' ', 'http'],
    unset: 3000,
  },
  API_REQUESTS_PER_MINUTE: {
    read: (config) => config.apiRequestsPerMinute,
    good: [
      ['1', 1],
      ['9999999', 9_999_999],
    ],
    bad: ['0', '-1', '1.5', '10000000', 'many'],
    unset: 600,
  },
  PASSWORD_WAIT_SECONDS: {
    read: (config) => config.passwordWaitSeconds,
    good: [
      ['1', 1],
      ['60', 60],
    ],
    bad: ['0', '61', '-1', '1.5', 'long'],
    unset: 1,
  },
  METRICS_PORT: {
    read: (config) => config.metricsPort,
    good: [['9464', 9464]],
    bad: ['0', '65536', 'metrics', '3000'],
  },
  HOST: { read: (config) => config.host, good: [['0.0.0.0', '0.0.0.0']], bad: [], unset: 'localhost' },
  ISSUER: {
    read: (config) => config.issuer,
    good: ['https://login.example.com', 'http://localhost:8080', 'http://[::1]:3000'].map((it) => [it, it]),
    bad: [
      'login.example.com',
      'https://login.example.com/',
      'https://login.example.com/auth',
      'https://login.example.com?a=b',
      'https://login.example.com:443',
      'https://LOGIN.example.com',
      'https://user@login.example.com',
      'ftp://login.example.com',
      'file:///etc/passwd',
    ],
    unset: 'http://localhost:3000',
  },
  DATABASE_URL: {
    read: (config) => config.databaseUrl,
    good: ['postgres://a:b@db/doorward', 'postgresql://db/doorward'].map((it) => [it, it]),
    bad: ['mysql://db/doorward', 'db:5432', 'doorward'],
  },
  MIGRATION_DATABASE_URL: {
    read: (config) => config.migrationDatabaseUrl,
    good: [['postgres://owner:b@db/doorward', 'postgres://owner:b@db/doorward']],
    bad: ['mysql://db/doorward', 'doorward'],
  },
  DATABASE_POOL_SIZE: {
    read: (config) => config.database.max,
    good: [
      ['1', 1],
      ['999', 999],
    ],
    bad: ['0', '-1', '1.5', '1000', 'many'],
    unset: 10,
  },
  DATABASE_WAIT_SECONDS: {
    read: (config) => config.database.waitSeconds,
    good: [
      ['1', 1],
      ['60', 60],
    ],
    bad: badSeconds,
    unset: 3,
  },
  DATABASE_STATEMENT_SECONDS: {
    read: (config) => config.database.statementSeconds,
    good: [
      ['1', 1],
      ['60', 60],
    ],
    bad: badSeconds,
    unset: 10,
  },
  DATABASE_START_SECONDS: {
    read: (config) => config.database.startSeconds,
    good: [
      ['0', 0],
      ['3600', 3600],
    ],
    bad: ['-1', '3601', '1m'],
    unset: 60,
  },
  DRAIN_SECONDS: {
    read: (config) => config.drainSeconds,
    good: [
      ['0', 0],
      ['300', 300],
    ],
    bad: ['-1', '301', '1m'],
    unset: 0,
  },
  DATA_DIR: { read: (config) => config.dataDir, good: [['/var/d', '/var/d']], bad: [], unset: '.data' },
  SECRET_KEYS: {
    read: (config) => idsOf(config.secretKeys),
    good: [
      [newer, [idOf(newer)]],
      [`${newer}, ${older}`, [idOf(newer), idOf(older)]],
    ],
    bad: badKeys,
  },
  COOKIE_KEYS: {
    read: (config) => idsOf(config.cookieKeys),
    good: [[`${older},${cookie}`, [idOf(older), idOf(cookie)]]],
    bad: badKeys,
  },
  SMTP_URL: {
    read: (config) => config.smtpUrl,
    good: ['smtp://mail:25', 'smtps://a:b@mail'].map((it) => [it, it]),
    bad: ['mail:25', 'https://mail.example.com', 'mail'],
  },
  MAIL_FROM: {
    read: (config) => config.mailFrom,
    good: [
      ['Acme, Inc. <login@acme.example>', { name: 'Acme, Inc.', address: 'login@acme.example' }],
      ['"Acme, Inc." <login@acme.example>', { name: 'Acme, Inc.', address: 'login@acme.example' }],
      ['<login@acme.example>', { name: '', address: 'login@acme.example' }],
      ['login@acme.example', { name: '', address: 'login@acme.example' }],
    ],
    bad: [
      'Acme',
      'Acme login@acme.example',
      'login@acme.example>',
      'a@acme.example,b@acme.example',
      '<login@acme.example',
      'a@acme.example, b@acme.example',
      'Acme\r\nBcc: x@evil.example <login@acme.example>',
      'Acme <login@acme.example\r\nBcc: x@evil.example>',
      'Acme <x@evil.example> <login@acme.example>',
    ],
    unset: { name: 'Doorward', address: 'no-reply@localhost' },
  },
  BRAND_NAME: {
    read: (config) => config.brand.name,
    good: [['A'.repeat(60), 'A'.repeat(60)]],
    bad: ['A'.repeat(61)],
    unset: 'Doorward',
  },
  BRAND_COLOR: {
    read: (config) => config.brand.color,
    good: [['#A1b2C3', '#A1b2C3']],
    bad: ['red', '#abc', '#12345g', '#0f5c5c; background: url(//evil.example)', '#0f5c5c\n'],
    unset: '#0f5c5c',
  },
  BRAND_LOGO_URL: {
    read: (config) => config.brand.logoUrl,
    good: [['https://cdn.example.com/logo.svg', 'https://cdn.example.com/logo.svg']],
    bad: ['http://cdn.example.com/logo.svg', 'javascript:alert(1)', 'data:image/png;base64,AA', 'logo.svg'],
  },
  SUPPORT_URL: {
    read: (config) => config.brand.supportUrl,
    good: [['https://help.example.com/', 'https://help.example.com/']],
    bad: ['http://help.example.com/', 'javascript:alert(1)', 'help.example.com'],
  },
  SUPPORT_EMAIL: {
    read: (config) => config.brand.supportEmail,
    good: [['help@example.com', 'help@example.com']],
    bad: ['help', '@example.com', 'help@', 'help me@example.com', 'help@example.com\nBcc: x@evil.example'],
  },
  SIGN_IN_URL: {
    read: (config) => config.signInUrl,
    good: [['http://localhost:4000/login', 'http://localhost:4000/login']],
    bad: ['/login', 'javascript:alert(1)', 'ftp://localhost/login'],
  },
  DNS_RESOLVERS: {
    read: (config) => config.dnsResolvers,
    good: [
      ['192.0.2.1,192.0.2.2', ['192.0.2.1', '192.0.2.2']],
      [' 127.0.0.1:5301 , 127.0.0.1:5302 ', ['127.0.0.1:5301', '127.0.0.1:5302']],
      [
        '2001:db8::1,[2001:db8::2],[2001:db8::3]:5353',
        ['2001:db8::1', '[2001:db8::2]', '[2001:db8::3]:5353'],
      ],
    ],
    bad: [
      '192.0.2.1',
      '192.0.2.1,192.0.2.1',
      ',',
      '192.0.2.1,dns.example.com',
      '192.0.2.1,192.0.2.2:0',
      '192.0.2.1,192.0.2.2:65536',
      '192.0.2.1,192.0.2.2:x',
      '192.0.2.1,[192.0.2.2]:53',
      '192.0.2.1,2001:db8::1:53535353',
      '192.0.2.1,https://192.0.2.2',
      '192.0.2.1;192.0.2.2',
    ],
    unset: ['1.1.1.1', '8.8.8.8'],
  },
  TRUSTED_PROXIES: {
    read: (config) => config.trustedProxies,
    good: [
      ['10.0.0.1', ['10.0.0.1']],
      ['10.0.0.0/8, fd00::/8,::1', ['10.0.0.0/8', 'fd00::/8', '::1']],
      [' , ', []],
    ],
    bad: [
      '0.0.0.0/0',
      '::/0',
      '0.0.0.0/00',
      '10.0.0.1,::/0',
      '10.0.0.0/33',
      'fd00::/129',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '999.0.0.1',
      '10.0.0',
      'deadbeef',
      ':::',
      'true',
      '*',
      'proxy.example.com',
    ],
    unset: [],
  },
  SIGN_UP: {
    read: (config) => config.signUp,
    good: ['open', 'closed'].map((it) => [it, it]),
    bad: ['true', 'Open', 'yes'],
    unset: 'closed',
  },
  ...clientOf('google'),
  ...clientOf('microsoft'),
  ...clientOf('linkedin'),
  ...clientOf('facebook'),
  FACEBOOK_GRAPH_VERSION: {
    read: ({ social }) => social.facebook?.graphVersion,
    good: ['v25.0', 'v9.1'].map((it) => [it, it]),
    bad: ['25.0', 'v25', 'v25.0/../v1.0', 'V25.0', 'latest'],
    beside: { FACEBOOK_CLIENT_ID: '1', FACEBOOK_CLIENT_SECRET: 'hush' },
  },
  APPLE_CLIENT_ID: {
    read: ({ social }) => social.apple?.clientId,
    good: [['com.example.web', 'com.example.web']],
    bad: [],
    beside: appleSettings,
  },
  APPLE_TEAM_ID: {
    read: ({ social }) => social.apple?.teamId,
    good: [['TEAM123456', 'TEAM123456']],
    bad: badAppleIds,
    beside: appleSettings,
  },
  APPLE_KEY_ID: {
    read: ({ social }) => social.apple?.keyId,
    good: [['KEY7654321', 'KEY7654321']],
    bad: badAppleIds,
    beside: appleSettings,
  },
  APPLE_PRIVATE_KEY: {
    read: ({ social }) => social.apple?.privateKey,
    good: [
      [p256, p256],
      [p256.trim().replaceAll('\n', '\\n'), p256],
    ],
    bad: [rsaKey, appleKey('P-384'), 'hush', p256.slice(0, 100)],
    beside: appleSettings,
  },
  ...clientOf('github'),
  SOCIAL_URL: {
    read: ({ social }) => social.google?.baseUrl,
    good: [
      ['http://127.0.0.1:4000/social', 'http://127.0.0.1:4000/social/google'],
      ['https://rehearsal.example.com/', 'https://rehearsal.example.com/google'],
    ],
    bad: ['rehearsal.example.com', 'ftp://rehearsal.example.com', 'javascript:alert(1)'],
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    read: ({ traces }) => traces?.url,
    good: [
      ['http://collector:4318', 'http://collector:4318/v1/traces'],
      ['https://otlp.example.com/tenant/', 'https://otlp.example.com/tenant/v1/traces'],
    ],
    bad: [
      'collector:4318',
      'grpc://collector:4317',
      'https://me:hush@otlp.example.com',
      'https://otlp.example.com?key=hush',
      'https://otlp.example.com#hush',
    ],
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    read: ({ traces }) => traces?.headers,
    good: [
      ['authorization=Bearer%20abc', { authorization: 'Bearer abc' }],
      ['a=1, x-b = 2==,c=', { a: '1', 'x-b': '2==', c: '' }],
    ],
    bad: ['hush', 'a b=c', 'a=%E0%A4%A', 'a=1,hush', 'a=%0d%0ahush: 1'],
    beside: collector,
  },
  OTEL_SERVICE_NAME: {
    read: ({ traces }) => traces?.serviceName,
    good: [['login', 'login']],
    bad: ['x'.repeat(101)],
    beside: collector,
  },
  OTEL_TRACES_SAMPLER_ARG: {
    read: ({ traces }) => traces?.ratio,
    good: [
      ['0', 0],
      ['0.25', 0.25],
      ['1', 1],
      ['1.0', 1],
    ],
    bad: ['-0.1', '1.1', '2', 'all', '.5', '1e-3'],
    beside: collector,
  },
  LOG_LEVEL: {
    read: (config) => config.logLevel,
    good: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((it) => [it, it]),
    bad: ['verbose', 'INFO', '30'],
    unset: 'info',
  },
  NODE_ENV: {
    read: (config) => config.production,
    good: [
      ['development', false],
      ['test', false],
    ],
    bad: ['prod', 'Production', 'staging'],
    unset: false,
  },
};

for (const [name, { read, good, bad, unset, beside }] of Object.entries(expectations)) {
  t.test(`${name} takes what is right and refuses the rest`, (t) => {
    for (const [text, value] of good) {
      t.same(read(loadConfig({ ...development, ...beside, [name]: text })), value, text);
    }
    for (const text of bad) t.same(refusals({ ...development, ...beside, [name]: text }), [name], text);
    if (!(name in development)) {
      t.same(read(loadConfig(development)), unset, 'absent');
      t.same(read(loadConfig({ ...development, [name]: '' })), unset, 'empty is absent');
    }
    t.end();
  });
}

t.test('the table of these tests is the table of settings', (t) => {
  t.same(Object.keys(expectations).sort(), Object.keys(settings).sort());
  t.end();
});

t.test('every problem is reported at once', (t) => {
  const wrong = Object.entries(expectations).filter(([, { bad }]) => bad.length > 0);
  const beside = wrong.map(([, expected]) => expected.beside ?? {});
  const env = {
    ...Object.assign({}, ...beside),
    ...Object.fromEntries(wrong.map(([name, { bad }]) => [name, bad[0]])),
  };
  t.same(refusals(env), wrong.map(([name]) => name).sort());
  t.same(
    refusals({ DATABASE_URL: 'mysql://db' }),
    ['COOKIE_KEYS', 'DATABASE_URL', 'SECRET_KEYS'],
    'a database that cannot be used is no wish for the demo',
  );
  t.end();
});

t.test('a secret may come from a file, and only a secret', (t) => {
  const { file } = folder(t, { keys: `${newer},${older}\n`, url: 'postgres://db/from-file\n', port: '4000' });
  const config = loadConfig({
    ...development,
    DATABASE_URL: '',
    DATABASE_URL_FILE: file('url'),
    SECRET_KEYS: undefined,
    SECRET_KEYS_FILE: file('keys'),
    PORT_FILE: file('port'),
  });
  t.equal(config.databaseUrl, 'postgres://db/from-file');
  t.same(idsOf(config.secretKeys), [idOf(newer), idOf(older)]);
  t.equal(config.port, 3000);
  t.equal(config.demo, false);
  t.end();
});

t.test('mail needs a sender in production: what a server refuses for its sender is lost', (t) => {
  const SMTP_URL = 'smtps://mail.example.com';
  t.same(refusals({ ...production, SMTP_URL, MAIL_FROM: undefined }), ['MAIL_FROM']);
  t.same(refusals({ ...production, SMTP_URL }), []);
  t.same(refusals({ ...development, SMTP_URL }), []);
  t.end();
});

t.test('a secret whose file is missing or empty, or that is given twice, is refused', (t) => {
  const { file } = folder(t, { empty: '\n', keys: newKey(), url: 'postgres://db/from-file' });
  for (const name of ['DATABASE_URL', 'MIGRATION_DATABASE_URL', 'SECRET_KEYS', 'COOKIE_KEYS', 'SMTP_URL']) {
    for (const base of [development, production]) {
      const without = { ...base, [name]: undefined };
      t.same(
        refusals({ ...without, [`${name}_FILE`]: file('missing') }),
        [`${name}_FILE`],
        `${name} missing`,
      );
      // a mount that failed must not start a service without keys, or as the demo
      t.same(refusals({ ...without, [`${name}_FILE`]: file('empty') }), [`${name}_FILE`], `${name} empty`);
    }
  }
  t.same(refusals({ ...development, SECRET_KEYS_FILE: file('keys') }), ['SECRET_KEYS']);
  t.same(refusals({ ...development, DATABASE_URL_FILE: file('url') }), ['DATABASE_URL']);
  t.end();
});

t.test('production takes a complete configuration', (t) => {
  const config = loadConfig({ ...production, SIGN_IN_URL: 'https://app.example.com/login' });
  t.equal(config.production, true);
  t.equal(config.demo, false);
  t.equal(config.issuer, 'https://login.example.com');
  t.end();
});

t.test('production refuses, each by itself', (t) => {
  const weak = Buffer.alloc(32, 'abcdefg').toString('base64url');
  const refused: [string, Record<string, string | undefined>, string[]][] = [
    ['an http issuer', { ISSUER: 'http://login.example.com' }, ['ISSUER']],
    ['an http issuer on this machine', { ISSUER: 'http://localhost:3000' }, ['ISSUER']],
    ['a missing issuer', { ISSUER: undefined }, ['ISSUER']],
    ['an issuer that is none', { ISSUER: 'login.example.com' }, ['ISSUER']],
    ['a missing database', { DATABASE_URL: undefined }, ['DATABASE_URL']],
    ['a missing database (empty)', { DATABASE_URL: '' }, ['DATABASE_URL']],
    [
      'the owner of a database that is missing',
      { DATABASE_URL: undefined, MIGRATION_DATABASE_URL: 'postgres://owner@db/doorward' },
      ['DATABASE_URL', 'MIGRATION_DATABASE_URL'],
    ],
    ['missing secret keys', { SECRET_KEYS: undefined }, ['SECRET_KEYS']],
    ['missing cookie keys', { COOKIE_KEYS: '' }, ['COOKIE_KEYS']],
    ['a zero secret key', { SECRET_KEYS: Buffer.alloc(32).toString('base64url') }, ['SECRET_KEYS']],
    ['a weak secret key', { SECRET_KEYS: weak }, ['SECRET_KEYS']],
    ['a weak older cookie key', { COOKIE_KEYS: `${newKey()},${weak}` }, ['COOKIE_KEYS']],
    ['shared keys', { COOKIE_KEYS: newer }, ['COOKIE_KEYS']],
    ['a shared older key', { SECRET_KEYS: `${newKey()},${cookie}` }, ['COOKIE_KEYS']],
    ['an http sign-in page', { SIGN_IN_URL: 'http://app.example.com/login' }, ['SIGN_IN_URL']],
    ['a sign-in page on another site', { SIGN_IN_URL: 'https://example.net/login' }, ['SIGN_IN_URL']],
    ['a stage for the social providers', { SOCIAL_URL: 'https://rehearsal.example.com' }, ['SOCIAL_URL']],
    ['the whole internet as proxy', { TRUSTED_PROXIES: '0.0.0.0/0' }, ['TRUSTED_PROXIES']],
    ['a proxy that is no address', { TRUSTED_PROXIES: 'everyone' }, ['TRUSTED_PROXIES']],
  ];
  for (const [what, change, names] of refused) t.same(refusals({ ...production, ...change }), names, what);
  t.same(refusals({ NODE_ENV: 'production' }), ['COOKIE_KEYS', 'DATABASE_URL', 'ISSUER', 'SECRET_KEYS']);
  t.end();
});

t.test('a sign-in page belongs to the site of the issuer', (t) => {
  const onSite = (ISSUER: string, SIGN_IN_URL: string): boolean =>
    refusals({ ...development, ISSUER, SIGN_IN_URL }).length === 0;
  t.ok(onSite('https://login.example.com', 'https://example.com/in'));
  t.ok(onSite('https://login.example.com', 'https://app.example.com:8443/in'));
  t.ok(onSite('http://127.0.0.1:3000', 'http://127.0.0.1:4000/in'));
  t.notOk(onSite('https://login.example.com', 'http://login.example.com/in'), 'another scheme');
  t.notOk(onSite('https://login.example.com', 'https://login.example.com.evil.example/in'));
  t.notOk(onSite('https://login.example.co.uk', 'https://evil.co.uk/in'), 'a public suffix is no site');
  t.notOk(onSite('https://login.github.io', 'https://evil.github.io/in'), 'nor is a private one');
  t.notOk(onSite('http://127.0.0.1:3000', 'http://127.0.0.2:3000/in'));
  t.end();
});

t.test('a social provider that is half configured is a problem that says what is missing', (t) => {
  const complete: Record<string, Record<string, string>> = {
    google: { GOOGLE_CLIENT_ID: 'a', GOOGLE_CLIENT_SECRET: 'b' },
    microsoft: { MICROSOFT_CLIENT_ID: 'a', MICROSOFT_CLIENT_SECRET: 'b' },
    linkedin: { LINKEDIN_CLIENT_ID: 'a', LINKEDIN_CLIENT_SECRET: 'b' },
    facebook: { FACEBOOK_CLIENT_ID: 'a', FACEBOOK_CLIENT_SECRET: 'b' },
    apple: appleSettings,
    github: { GITHUB_CLIENT_ID: 'a', GITHUB_CLIENT_SECRET: 'b' },
  };
  for (const [provider, env] of Object.entries(complete)) {
    t.same(Object.keys(loadConfig({ ...production, ...env }).social), [provider], `${provider} alone is on`);
    for (const name of Object.keys(env)) {
      const names = Object.keys(env).filter((other) => other !== name);
      t.same(refusals({ ...development, ...env, [name]: '' }), [name], `without ${name}`);
      t.same(refusals({ ...development, [name]: env[name] }), names.sort(), `${name} alone`);
    }
  }
  t.same(loadConfig({ ...production, FACEBOOK_GRAPH_VERSION: 'v24.0' }).social, {}, 'a version is no wish');
  t.end();
});

t.test('a rehearsal plays all of the social providers, and the demo those that are not configured', (t) => {
  const { dir } = folder(t, {});
  const google = { GOOGLE_CLIENT_ID: 'ours', GOOGLE_CLIENT_SECRET: 'hush' };
  const all = ['google', 'microsoft', 'linkedin', 'facebook', 'apple', 'github'];
  t.same(loadConfig(development).social, {}, 'nothing is on by itself');

  const played = loadConfig({ ...development, ...google, SOCIAL_URL: 'http://127.0.0.1:4000' }).social;
  t.same(Object.keys(played), all);
  t.match(played.google, { baseUrl: 'http://127.0.0.1:4000/google', clientId: 'ours', clientSecret: 'hush' });
  t.match(played.github, { clientId: 'doorward-demo', clientSecret: 'rehearsal-secret' });

  const demo = loadConfig({ DATA_DIR: dir, ISSUER: 'http://localhost:3100', ...google }).social;
  t.same(Object.keys(demo), all);
  t.match(demo.google, { baseUrl: undefined, clientId: 'ours' }, 'the real one, as was asked for');
  const { privateKey } = played.apple ?? {};
  t.match(
    demo.apple,
    { baseUrl: 'http://localhost:3100/demo/idp/social/apple', privateKey },
    'every process has the same key for the rehearsal',
  );
  t.end();
});

t.test('the demo is off wherever there is a database of its own, and in production', (t) => {
  const { dir, file } = folder(t, {});
  t.equal(loadConfig({ DATA_DIR: dir }).demo, true);
  t.equal(loadConfig({ ...development, DATA_DIR: dir }).demo, false);
  t.equal(loadConfig({ ...production, DATA_DIR: dir }).demo, false);
  const untouched = file('untouched');
  for (const env of [development, production, { NODE_ENV: 'production' }, { DATABASE_URL: 'mysql://db' }]) {
    refusals({ ...env, DATA_DIR: untouched });
  }
  t.notOk(existsSync(untouched), 'and then it makes no keys');
  t.end();
});

t.test('the demo makes its keys once, for its user only', (t) => {
  const { file } = folder(t, {});
  const env = { DATA_DIR: file('new/data') };
  const first = loadConfig(env);
  const stored = file('new/data/keys.json');
  t.equal(statSync(stored).mode & 0o777, 0o600);
  const text = readFileSync(stored, 'utf8');
  const second = loadConfig(env);
  t.same([second.secretKeys, second.cookieKeys], [first.secretKeys, first.cookieKeys]);
  t.equal(readFileSync(stored, 'utf8'), text);
  t.same(readdirSync(file('new/data')), ['keys.json'], 'and leaves nothing else');
  t.not(first.secretKeys[0].id, first.cookieKeys[0].id);
  t.equal(first.secretKeys[0].bytes.length, 32);
  const mixed = loadConfig({ ...env, SECRET_KEYS: newer });
  t.same([idsOf(mixed.secretKeys), idsOf(mixed.cookieKeys)], [[idOf(newer)], idsOf(first.cookieKeys)]);
  t.end();
});

t.test('processes that start the demo at once have the same keys', async (t) => {
  const { dir, file } = folder(t, {});
  // one start is over too soon for a race to be lost: many, one after another, in each process
  const dataDirs = Array.from({ length: 100 }, (_, index) => path.join(dir, String(index)));
  const processes = Array.from({ length: 3 }, () => startProcess(dataDirs));
  await Promise.all(processes.map(({ ready }) => ready));
  const all = await Promise.all(processes.map(({ run }) => run()));
  const expected = dataDirs.map((dataDir) => keyIdsOf(loadConfig({ DATA_DIR: dataDir })));
  for (const ids of all) t.same(ids, expected);
  t.same(readdirSync(file('0')), ['keys.json']);
});

t.test('no error says a secret', (t) => {
  const { dir, file } = folder(t, {});
  const secret = newKey();
  const address = `://doorward:${secret}@db.example.com`;
  const said = [
    messageOf({ ...production, DATABASE_URL: `mysql${address}`, SMTP_URL: `http${address}` }),
    messageOf({ ...production, SECRET_KEYS: `${secret}AAAA`, COOKIE_KEYS: `${secret}.${secret}` }),
    messageOf({ ...production, SECRET_KEYS: secret, COOKIE_KEYS: secret }),
    ...[
      'SECRET_KEYS',
      'COOKIE_KEYS',
      'DATABASE_URL',
      'MIGRATION_DATABASE_URL',
      'SMTP_URL',
      'APPLE_PRIVATE_KEY',
    ].map((name) => {
      writeFileSync(file(name), `${secret}${secret}`);
      return messageOf({ ...production, [name]: undefined, [`${name}_FILE`]: file(name) });
    }),
    // an engine's complaint about bad JSON quotes it
    ...[secret, `{"SECRET_KEYS":${secret}`, `{"SECRET_KEYS":"${secret}AAAA"}`, 'null'].map((text) => {
      writeFileSync(file('keys.json'), text);
      return messageOf({ DATA_DIR: dir });
    }),
  ];
  for (const text of said) {
    for (let start = 0; start + 6 <= secret.length; start += 1) {
      if (text.includes(secret.slice(start, start + 6))) return t.fail('a piece of the secret was said');
    }
    t.not(text, '', 'there was an error');
  }
  t.end();
});

t.test('a data folder that cannot be used is a problem of the configuration', (t) => {
  const { file } = folder(t, { 'a-file': '' });
  t.same(refusals({ DATA_DIR: file('a-file'), PORT: 'x' }), ['DATA_DIR', 'PORT']);
  writeFileSync(file('keys.json'), '{}');
  chmodSync(file('keys.json'), 0o600);
  t.same(refusals({ DATA_DIR: file('.') }), ['DATA_DIR']);
  t.end();
});

t.test('only config/load.ts reads the environment', async (t) => {
  const files = await Array.fromAsync(glob('{config,src}/**/*.ts', { cwd: root }));
  const reads =
    /process\s*(\?\.|\.|\[\s*['"`])\s*env\b|\benv\b[^;]*\}\s*=\s*process\b|['"](node:)?process['"]|loadEnvFile/;
  const readers = await Promise.all(
    files.map(async (file) => (reads.test(await readFile(path.join(root, file), 'utf8')) ? [file] : [])),
  );
  t.same(readers.flat(), ['config/load.ts']);
});

/** The variables that are complained about, each once, in order; none when the configuration is taken. */
function refusals(env: Record<string, string | undefined>): string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return [...new Set(error.problems.map((text) => /^[A-Z_]+/.exec(text)?.[0] ?? text))].sort();
  }
}

function messageOf(env: Record<string, string | undefined>): string {
  try {
    loadConfig(env);
    return '';
  } catch (error) {
    return inspect(error, { depth: null });
  }
}

function folder(t: Test, files: Record<string, string>): { dir: string; file: (name: string) => string } {
  const dir = t.testdir(files);
  return { dir, file: (name) => path.join(dir, name) };
}

function keyIdsOf({ secretKeys, cookieKeys }: Config): string[] {
  return [...idsOf(secretKeys), ...idsOf(cookieKeys)];
}

/** A process that, when told to run, starts the demo in each of the folders and answers with the ids of its keys. */
function startProcess(dataDirs: readonly string[]): { ready: Promise<unknown>; run: () => Promise<unknown> } {
  const script = `
    import { loadConfig } from ${JSON.stringify(new URL('../config/load.ts', import.meta.url).href)};
    const start = (DATA_DIR) => {
      const { secretKeys, cookieKeys } = loadConfig({ DATA_DIR });
      return [...secretKeys, ...cookieKeys].map(({ id }) => id);
    };
    process.stdin.once('data', () => {
      console.log(JSON.stringify(${JSON.stringify(dataDirs)}.map(start)));
      process.exit();
    });
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const run = async (): Promise<unknown> => {
    child.stdin.write('go\n');
    return JSON.parse(String((await lines.next()).value));
  };
  return { ready: lines.next(), run };
}
