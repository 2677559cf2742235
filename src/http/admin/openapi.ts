/** The OpenAPI 3.1 document of the admin interface, made of its operations: what is served is what is described. */
import { z } from 'zod';
import { Failure, type FailureCode, failures } from '../../kernel/failures.ts';
import { problemOf } from '../problems.ts';
import { exampleOf } from './example.ts';
import { type JsonObject, type Schemas, toJsonSchema } from './json-schema.ts';
import type { AnyOperation, AnyStream } from './operation.ts';
import { type Tag, tags } from './tags.ts';

export interface OpenApi {
  readonly openapi: '3.1.0';
  readonly info: JsonObject;
  readonly servers: readonly JsonObject[];
  readonly tags: readonly { readonly name: Tag; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
  readonly components: JsonObject & { readonly schemas: Schemas };
}

const about = `One interface for operators, the admins of a customer's account, and people about themselves.

Every call carries an access token for the resource \`<issuer>/api/v1\`: operators get theirs by client credentials with the
scopes \`admin:<noun>:read\` and \`admin:<noun>:write\`; an account's admin with the scope \`account:manage\`; a person, about
themself, with \`self\`. An admin's account is that of their token: whatever belongs to another one answers like something
that is not there.

* **Refusals** are \`application/problem+json\` (RFC 9457) with a stable \`code\`.
* **Lists** come in pages: pass \`next_cursor\` as \`cursor\`, with the same filters.
* **Changes** can be guarded against lost updates: send the \`ETag\` you have read as \`If-Match\`.
* **Repeats** are safe: a POST with an \`Idempotency-Key\` is done once, and answered alike for 24 hours. Where
  none is taken, and of the other methods, a repeat changes nothing more, or is refused because it is done.
* **PATCH** is a JSON Merge Patch (RFC 7396): what is left out stays as it is, null clears.
* **Times** are RFC 3339, in UTC.`;

export function openApiOf(operations: readonly AnyOperation[]): OpenApi {
  const schemas: Schemas = { Problem: problem };
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const operation of operations) {
    const path = (paths[operation.url] ??= {});
    path[operation.method.toLowerCase()] = describe(operation, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Doorward admin interface',
      version: '1',
      description: about,
      license: { name: 'Apache 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/api/v1' }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name, description: tags[name] })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'openIdConnect', openIdConnectUrl: '/.well-known/openid-configuration' },
      },
      schemas,
    },
  };
}

function describe(operation: AnyOperation, schemas: Schemas): JsonObject {
  const { id, tag, summary, description, params, query, body, method } = operation;
  const parameters = [
    ...parametersOf(params, 'path', schemas),
    ...parametersOf(query, 'query', schemas),
    ...headersOf(operation),
  ];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: securityOf(operation),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: requestBodyOf(body, method, schemas) }),
    ...('takes' in operation && { requestBody: fileOf(operation) }),
    responses: { ...successOf(operation, schemas), ...refusalsOf(operation) },
  };
}

function securityOf({ access }: AnyOperation): JsonObject[] {
  if ('person' in access) return [{ token: ['self'] }];
  return [{ token: [access.operator] }, ...(access.admin ? [{ token: ['account:manage'] }] : [])];
}

function parametersOf(
  schema: z.ZodType | undefined,
  where: 'path' | 'query',
  schemas: Schemas,
): JsonObject[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = toJsonSchema(schema, 'input', schemas) as {
    properties?: Record<string, JsonObject>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(description !== undefined && { description }),
    schema: property,
  }));
}

function headersOf(operation: AnyOperation): JsonObject[] {
  const text = { type: 'string' };
  const header = (name: string, description: string) => ({ name, in: 'header', description, schema: text });
  if (operation.method === 'GET')
    return [header('If-None-Match', 'An ETag: where it still holds the answer is 304.')];
  if (!('change' in operation)) return [];
  return [
    ...(operation.current
      ? [header('If-Match', 'The ETag that was read: refused where it has changed.')]
      : []),
    ...(operation.method === 'POST'
      ? [
          header(
            'Idempotency-Key',
            '1 to 255 characters of your choice: done once, answered alike for 24 hours.',
          ),
        ]
      : []),
  ];
}

function requestBodyOf(body: z.ZodType, method: string, schemas: Schemas): JsonObject {
  const schema = toJsonSchema(body, 'input', schemas);
  const media = { schema, example: exampleOf(schema, schemas) };
  const content = {
    'application/json': media,
    ...(method === 'PATCH' && { 'application/merge-patch+json': media }),
  };
  return { required: !body.safeParse(undefined).success, content };
}

function fileOf({ takes }: AnyStream): JsonObject {
  const content = Object.entries(takes).map(([type, example]) => [
    type,
    { schema: { type: 'string' }, example },
  ]);
  return { required: true, content: Object.fromEntries(content) as JsonObject };
}

const answerHeaders = {
  ETag: { schema: { type: 'string' }, description: 'What If-Match and If-None-Match take.' },
  RateLimit: { schema: { type: 'string' }, description: 'How many requests are left in this minute.' },
};

/** A document can only say what a line is: each of them is one of these. */
function linesOf({ line }: AnyStream, schemas: Schemas): JsonObject {
  const schema = toJsonSchema(line, 'output', schemas) as { anyOf?: readonly JsonObject[] };
  const examples = (schema.anyOf ?? [schema]).map((one) => JSON.stringify(exampleOf(one, schemas)));
  const text = { type: 'string', contentMediaType: 'application/jsonl', contentSchema: schema };
  const media = { schema: text, example: examples.map((text) => `${text}\n`).join('') };
  return { 200: { description: 'A line for each row.', content: { 'application/jsonl': media } } };
}

function successOf(operation: AnyOperation, schemas: Schemas): JsonObject {
  if ('takes' in operation) return linesOf(operation, schemas);
  const { answer, status = 200, method } = operation;
  if (!answer) return { [status]: { description: 'Done.' } };
  const schema = toJsonSchema(answer, 'output', schemas);
  const headers = {
    ...answerHeaders,
    ...('location' in operation && { Location: { schema: { type: 'string' }, description: 'Where it is.' } }),
  };
  const content = { 'application/json': { schema, example: exampleOf(schema, schemas) } };
  return {
    [status]: { description: status === 201 ? 'Created.' : 'As it is now.', headers, content },
    ...(method === 'GET' && { 304: { description: 'As you have it.' } }),
  };
}

/** What an operation may refuse: what every one may, what its shape brings along, and what is its own. */
export function failuresOf(operation: AnyOperation): readonly FailureCode[] {
  const { method, params, body, access } = operation;
  const isChange = 'change' in operation;
  return [
    'invalid_input',
    'unauthenticated',
    'insufficient_scope',
    ...(params && 'operator' in access ? (['not_found'] as const) : []),
    ...(isChange && operation.current ? (['precondition_failed'] as const) : []),
    ...(method === 'GET' ? [] : (['payload_too_large', 'unsupported_media_type'] as const)),
    ...(isChange && method === 'POST' && body ? (['idempotency_key_reused'] as const) : []),
    'rate_limited',
    'unavailable',
    ...(operation.failures ?? []),
  ];
}

function refusalsOf(operation: AnyOperation): JsonObject {
  const codes = [...new Set(failuresOf(operation))];
  const statuses = [...new Set(codes.map((code) => failures[code].status))].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const here = codes.filter((code) => failures[code].status === status);
      return [status, refusal(here)];
    }),
  );
}

function refusal(codes: readonly FailureCode[]): JsonObject {
  const schema = {
    allOf: [{ $ref: '#/components/schemas/Problem' }],
    properties: { code: { enum: codes } },
  };
  const examples = Object.fromEntries(
    codes.map((code) => [code, { value: problemOf(new Failure(code), 'Zm9yIGV4YW1w') }]),
  );
  return {
    description: codes.map((code) => `\`${code}\`: ${failures[code].title}.`).join('\n\n'),
    content: { 'application/problem+json': { schema, examples } },
  };
}

const problem = z.toJSONSchema(
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; what a program decides by.' }),
    detail: z.string().optional(),
    fields: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'What is wrong with which member.' }),
    instance: z.string().meta({ description: 'Names the request to support.' }),
    case_id: z.string().optional(),
  }),
) as JsonObject;
