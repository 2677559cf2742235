/** Reads what others have written, member by member: each has the right type, or one sentence says what is wrong. */
import { Failure } from '../../kernel/failures.ts';

export type Parsed<Value> = { readonly value: Value } | { readonly problem: string };
export type Parser<Value> = (input: unknown) => Parsed<Value>;
export type Shape<Whole> = { readonly [Member in keyof Whole]-?: Parser<Whole[Member]> };

/** Failure `invalid_input` with every problem at once; a member that nobody knows is one of them. */
export function parseShape<Whole>(input: unknown, shape: Shape<Whole>): Whole {
  const members = isObject(input) ? input : {};
  const problems = new Map<string, string>();
  const whole = new Map<string, unknown>();
  for (const name of Object.keys(members))
    if (!Object.hasOwn(shape, name)) problems.set(name.slice(0, 100), 'is not known');
  for (const [name, parse] of Object.entries<Parser<unknown>>(shape)) {
    const parsed = parse(Object.hasOwn(members, name) ? members[name] : undefined);
    if ('value' in parsed) whole.set(name, parsed.value);
    else problems.set(name, parsed.problem);
  }
  if (problems.size > 0) throw new Failure('invalid_input', { fields: Object.fromEntries(problems) });
  return Object.fromEntries(whole) as Whole;
}

export function isObject(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

/** Bounded, without blanks around it and without control characters, which no name of anything has. */
export function text(maxLength: number): Parser<string> {
  return (input) => {
    if (typeof input !== 'string' || input === '') return { problem: 'is missing' };
    if (input.length > maxLength) return { problem: `is longer than ${maxLength} characters` };
    const isClean = input.trim() === input && !/\p{Cc}/u.test(input) && input.isWellFormed();
    return isClean
      ? { value: input }
      : { problem: 'has blanks around it, or characters that cannot be used' };
  };
}

export function oneOf<const Value extends string>(values: readonly Value[]): Parser<Value> {
  return (input) => {
    const value = values.find((candidate) => candidate === input);
    return value === undefined ? { problem: `is not one of ${values.join(', ')}` } : { value };
  };
}

export const flag: Parser<boolean> = (input) =>
  typeof input === 'boolean' ? { value: input } : { problem: 'is neither true nor false' };

/** Of different values, in their order. */
export function several<Value>(
  parse: Parser<Value>,
  { min = 0, max }: { readonly min?: number; readonly max: number },
): Parser<readonly Value[]> {
  return (input) => {
    if (!Array.isArray(input)) return { problem: 'is not a list' };
    if (input.length < min || input.length > max) return { problem: `has not ${min} to ${max} entries` };
    if (new Set(input).size < input.length) return { problem: 'names something twice' };
    return all(input.map(parse));
  };
}

/** Values by name. `__proto__` is a name like any other: entries are read and made, never assigned. */
export function table<Value>(parse: Parser<Value>, max: number): Parser<Readonly<Record<string, Value>>> {
  const parseName = text(1000);
  return (input) => {
    if (!isObject(input)) return { problem: 'is not an object' };
    const names = Object.keys(input);
    if (names.length > max) return { problem: `has more than ${max} entries` };
    const bad = names.map(parseName).find((parsed) => 'problem' in parsed);
    if (bad) return bad;
    const values = all(Object.values(input).map(parse));
    if ('problem' in values) return values;
    return { value: Object.fromEntries(names.map((name, at) => [name, values.value[at] as Value])) };
  };
}

function all<Value>(parsed: readonly Parsed<Value>[]): Parsed<readonly Value[]> {
  const values: Value[] = [];
  for (const one of parsed) {
    if ('problem' in one) return { problem: `has an entry that ${one.problem}` };
    values.push(one.value);
  }
  return { value: values };
}

export function orNull<Value>(parse: Parser<Value>): Parser<Value | null> {
  return (input) => (input === null ? { value: null } : parse(input));
}

/** What a member is that was left out. */
export function withDefault<Value>(parse: Parser<Value>, value: NoInfer<Value>): Parser<Value> {
  return (input) => (input === undefined ? { value } : parse(input));
}
