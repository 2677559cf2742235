/** Values for a JSON Schema: what it allows, and what is next to that. */
import fc, { type Arbitrary } from 'fast-check';
import { openApi } from '../../src/http/admin.ts';

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** What breaks parsers, databases and headers. */
const hostileText = fc.constantFrom(
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'a\r\nset-cookie: x=1',
  "'; drop table users; --",
  '<script>alert(1)</script>',
  '../../etc/passwd',
  'javascript:alert(1)',
  'http://169.254.169.254/latest',
  '__proto__',
  'constructor',
  '9'.repeat(400),
  'a'.repeat(5000),
  '😀'.repeat(300),
  'null',
  '-1',
);

const anything = fc.oneof(
  hostileText,
  fc.constantFrom(null, true, false, 0, -1, 1.5, 2 ** 53, 1e308, [], {}, [[]], { a: { b: [] } }),
  fc.json().map((text) => JSON.parse(text) as unknown),
);

/** Mostly what the schema allows; now and then, anywhere in it, something that it does not. */
export function valueFor(schema: JsonSchema): Arbitrary<unknown> {
  return fc.oneof({ arbitrary: allowed(schema), weight: 9 }, { arbitrary: anything, weight: 1 });
}

function allowed(schema: JsonSchema): Arbitrary<unknown> {
  const { $ref, examples, enum: values, anyOf, oneOf } = schema;
  if ($ref !== undefined) return allowed(named($ref));
  if ('const' in schema) return fc.constant(schema.const);
  if (values) return fc.constantFrom(...values);
  const choices = anyOf ?? oneOf;
  if (choices) return fc.oneof(...choices.map(valueFor));
  const made = byType(schema);
  return examples ? fc.oneof({ arbitrary: fc.constantFrom(...examples), weight: 3 }, made) : made;
}

function named(ref: string): JsonSchema {
  return openApi.components.schemas[ref.split('/').at(-1) ?? ''] ?? {};
}

function byType(schema: JsonSchema): Arbitrary<unknown> {
  const { type, items, minimum = -10, maximum = 10 } = schema;
  if (type === 'object') return objectFor(schema);
  if (type === 'array') return items ? fc.array(valueFor(items), { maxLength: 4 }) : fc.constant([]);
  if (type === 'integer') return fc.integer({ min: Math.max(minimum, -1e6), max: Math.min(maximum, 1e6) });
  if (type === 'number') return fc.double({ noNaN: true });
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  return fc.oneof(fc.string({ maxLength: 30 }), hostileText);
}

function objectFor({ properties = {}, required = [], additionalProperties }: JsonSchema): Arbitrary<unknown> {
  const members = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, valueFor(property)]),
  );
  const known = fc.record(members, { requiredKeys: required.filter((name) => name in members) });
  if (typeof additionalProperties === 'object')
    return fc.dictionary(fc.string({ maxLength: 20 }), valueFor(additionalProperties), { maxKeys: 3 });
  const more = fc.dictionary(
    fc.constantFrom('role', 'account_id', 'state', 'id', 'constructor', 'toString', 'is_admin'),
    anything,
    { maxKeys: 2 },
  );
  return fc.oneof(
    { arbitrary: known, weight: 9 },
    { arbitrary: fc.tuple(known, more).map(([some, extra]) => ({ ...some, ...extra })), weight: 1 },
  );
}
