/** The document of the admin interface: well-formed, complete, and of exactly what is served. */
import { createConfig, lintFromString } from '@redocly/openapi-core';
import t from 'tap';
import { openApi, operations } from '../../src/http/admin.ts';
import { failuresOf } from '../../src/http/admin/openapi.ts';
import { startApp } from '../support/app.ts';
import { validatorOf } from '../support/described.ts';
import { recordRoutes } from '../support/route-table.ts';

interface Media {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

t.test('the document has no finding of a linter', async (t) => {
  const config = await createConfig({
    extends: ['recommended-strict'],
    // relative to whoever serves it; and the refusals are declared, though not for each of 4xx
    rules: {
      'no-server-example.com': 'off',
      'operation-4xx-response': 'error',
      'info-license-strict': 'off',
    },
  });
  const findings = await lintFromString({ source: JSON.stringify(openApi), config });
  t.same(
    findings.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`),
    [],
  );
});

t.test('each example is what its schema says', (t) => {
  for (const [path, methods] of Object.entries(openApi.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const { requestBody, responses } = operation as {
        requestBody?: { content: Record<string, Media> };
        responses: Record<string, { content?: Record<string, Media> }>;
      };
      const media = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)];
      for (const { schema, example, examples = {} } of media.flatMap((content) =>
        Object.values(content ?? {}),
      )) {
        const validate = validatorOf(schema);
        const shown = [
          ...(example === undefined ? [] : [example]),
          ...Object.values(examples).map(({ value }) => value),
        ];
        for (const value of shown) {
          t.ok(
            validate(value),
            `${method} ${path}: ${JSON.stringify(value)} ${JSON.stringify(validate.errors)}`,
          );
        }
      }
    }
  }
  t.end();
});

t.test('each body schema takes its own example, as the service reads it', (t) => {
  for (const operation of operations) {
    const { requestBody } = (openApi.paths[operation.url]?.[operation.method.toLowerCase()] ?? {}) as {
      requestBody?: { content: Record<string, Media> };
    };
    const example = requestBody?.content['application/json']?.example;
    if (example === undefined) continue;
    const parsed = operation.body?.safeParse(example);
    t.ok(
      parsed?.success,
      `${operation.id}: ${JSON.stringify(example)} ${JSON.stringify(parsed?.error?.issues)}`,
    );
  }
  t.end();
});

t.test('what is served is what is described, and declares who may call it', async (t) => {
  const routes = recordRoutes(t);
  const { issuer } = await startApp(t);
  const served = routes
    .filter(({ url }) => url.startsWith('/api/v1/') && url !== '/api/v1/openapi.json')
    .map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
  const described = Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} /api/v1${path}`),
  );
  t.same(served.sort(), described.sort());
  const ids = operations.map(({ id }) => id);
  t.equal(new Set(ids).size, ids.length, 'each operation has a name of its own');
  for (const operation of operations) t.ok(failuresOf(operation).includes('unauthenticated'));
  const answer = await fetch(`${issuer}/api/v1/openapi.json`);
  t.same(await answer.json(), openApi);
  const page = await fetch(`${issuer}/api/v1`, { headers: { accept: 'text/html' } });
  const text = await page.text();
  for (const { id } of operations) t.ok(text.includes(`id="${id}"`), `the reference page has ${id}`);
});
