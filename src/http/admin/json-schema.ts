import { z } from 'zod';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Named schemas, filled as they are met. */
export type Schemas = Record<string, JsonObject>;

/** A schema as JSON Schema 2020-12; those with a name go into `schemas` and are referred to. */
export function toJsonSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Schemas): JsonObject {
  const made = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    target: 'draft-2020-12',
    // the format says it to readers; the calendar as a regular expression says nothing to anybody
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  });
  const { $schema: _always, $defs = {}, ...own } = refer(made) as { $schema?: string; $defs?: Schemas };
  Object.assign(schemas, $defs);
  const { id } = own as { id?: string };
  if (id === undefined) return own;
  schemas[id] = own;
  return { $ref: `#/components/schemas/${id}` };
}

/** The names of the document instead of those of a schema that stands alone. */
function refer(schema: object): object {
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) =>
      key === '$ref' && typeof value === 'string'
        ? value.replace('#/$defs/', '#/components/schemas/')
        : value,
    ),
  ) as object;
}
