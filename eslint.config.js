import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { firstParameter } from './scripts/eslint/first-parameter.js';
import { numberedTodo } from './scripts/eslint/numbered-todo.js';

const insideTransaction = "CallExpression[callee.name='inTransaction'] > :function";
const restrictions = {
  transaction: [
    {
      selector: `${insideTransaction} MemberExpression[object.name='ctx'][property.name=/^(db|fetch)$/]`,
      message:
        'Inside inTransaction use tx.db: ctx.db is another connection, and ctx.fetch would hold this one.',
    },
    {
      selector: `${insideTransaction} CallExpression > Identifier.arguments[name='ctx']`,
      message: 'Inside inTransaction hand on tx: an operation with ctx would open a second connection.',
    },
  ],
  columns: [{ selector: "CallExpression[callee.property.name='selectAll']", message: 'Name the columns.' }],
  environment: [
    {
      selector: "MemberExpression[object.name='process'][property.name='env']",
      message: 'Only config/load.ts reads the environment.',
    },
  ],
  newDate: [{ selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Use ctx.now().' }],
  dateNow: [
    {
      selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
      message: 'Use ctx.now().',
    },
  ],
};

/** The house's restrictions on syntax, but for those named. */
function restrictAllBut(...names) {
  const kept = Object.entries(restrictions).filter(([name]) => !names.includes(name));
  return { 'no-restricted-syntax': ['error', ...kept.flatMap(([, selectors]) => selectors)] };
}

/** Where typescript-eslint's strict rules stand against this house's style, or against fastify's and zod's. */
const adjustments = {
  '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
  '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions'] }],
  '@typescript-eslint/no-floating-promises': [
    'error',
    // tap waits for its own subtests
    { allowForKnownSafePromises: [{ from: 'package', package: '@tapjs/core', name: 'PromiseWithSubtest' }] },
  ],
  '@typescript-eslint/no-deprecated': [
    'error',
    // "deprecated" only in order to stand out, its documentation says
    { allow: [{ from: 'package', package: 'openid-client', name: 'allowInsecureRequests' }] },
  ],
  '@typescript-eslint/no-meaningless-void-operator': 'off',
  '@typescript-eslint/no-misused-promises': [
    'error',
    { checksVoidReturn: { arguments: false, properties: false } },
  ],
  // the rule takes fastify's conversion of its logger for superfluous; tsc does not
  '@typescript-eslint/no-unnecessary-type-assertion': ['error', { typesToIgnore: ['FastifyBaseLogger'] }],
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
  ],
  // what has the members will do; and we have no enums, only libraries have
  '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
  '@typescript-eslint/no-unsafe-enum-assignment': 'off',
  '@typescript-eslint/non-nullable-type-assertion-style': 'off',
  '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
  '@typescript-eslint/require-await': 'off',
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
  '@typescript-eslint/unbound-method': 'off',
};

const shape = {
  'max-lines': ['error', 350],
  'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', 3],
};

export default defineConfig(
  globalIgnores(['.tap/', '.data/', 'coverage/', 'test/fixtures/', 'src/db/schema.ts', '**/*.{js,cjs,mjs}']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { doorward: { rules: { 'first-parameter': firstParameter, 'numbered-todo': numberedTodo } } },
    rules: {
      ...adjustments,
      ...restrictAllBut(),
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'doorward/numbered-todo': 'error',
    },
  },
  { files: ['config/**', 'src/**'], rules: shape },
  { files: ['src/**'], ignores: ['src/cli/**'], rules: { 'no-console': 'error' } },
  { files: ['src/core/**'], rules: { 'doorward/first-parameter': 'error' } },

  { files: ['config/load.ts'], rules: restrictAllBut('environment') },
  // where ctx.now is made
  { files: ['src/cli/context.ts'], rules: restrictAllBut('newDate') },
  { files: ['src/db/clock.ts'], rules: restrictAllBut('newDate', 'dateNow') },
  // the engine's clock is Date, and the demo's product apps are programs of their own
  {
    files: ['src/provider/**', 'src/demo/**', 'src/federation/oidc/provider.ts'],
    rules: restrictAllBut('dateNow'),
  },
  {
    files: ['test/**', 'scripts/**', 'bench/**'],
    rules: {
      ...restrictAllBut('environment', 'newDate', 'dateNow'),
      // tests look into answers of every shape
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
