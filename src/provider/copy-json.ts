/** What the engine stores: JSON. */
export type Payload = Record<string, unknown>;

/** A copy of what was read as JSON: the engine changes the documents it is given. */
export function copyJson<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(copyJson) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copyJson(member)])) as Value;
}
