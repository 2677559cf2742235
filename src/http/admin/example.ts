import type { JsonObject, Schemas } from './json-schema.ts';

interface Schema {
  readonly $ref?: string;
  readonly examples?: readonly unknown[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minimum?: number;
}

/** A value that the schema allows: put together from the examples of its members. */
export function exampleOf(schema: JsonObject, schemas: Schemas): unknown {
  return valueOf(schema, schemas);
}

function valueOf(schema: Schema, schemas: Schemas): unknown {
  const { $ref, examples, enum: values, anyOf, oneOf } = schema;
  if ($ref !== undefined) return valueOf(schemas[$ref.split('/').at(-1) ?? ''] ?? {}, schemas);
  if (examples) return examples[0];
  if ('const' in schema) return schema.const;
  if (values) return values[0];
  if ('default' in schema) return schema.default;
  const [choice] = anyOf ?? oneOf ?? [];
  return choice ? valueOf(choice, schemas) : byType(schema, schemas);
}

function byType({ type, properties = {}, items, minimum = 0 }: Schema, schemas: Schemas): unknown {
  if (type === 'object')
    return Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [name, valueOf(property, schemas)]),
    );
  if (type === 'array') return items ? [valueOf(items, schemas)] : [];
  if (type === 'integer' || type === 'number') return Math.max(minimum, 1);
  if (type === 'boolean') return true;
  return type === 'null' ? null : 'text';
}
