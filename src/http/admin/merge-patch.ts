/** JSON Merge Patch, for members that hold objects themselves. @see RFC 7396 §2 */

export type JsonMembers = Readonly<Record<string, unknown>>;

/** What is left out stays as it was, null takes away, and objects are merged member by member. */
export function mergePatch(target: JsonMembers, patch: JsonMembers): JsonMembers {
  const merged = new Map(Object.entries(target));
  for (const [name, value] of Object.entries(patch)) {
    const before = merged.get(name);
    if (value === null) merged.delete(name);
    else if (value !== undefined)
      merged.set(name, isMembers(value) ? mergePatch(isMembers(before) ? before : {}, value) : value);
  }
  return Object.fromEntries(merged);
}

function isMembers(value: unknown): value is JsonMembers {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
