/** The words of the interface: what its members look like, wherever they stand. */
import { z } from 'zod';
import { parseEmail } from '../../kernel/email-address.ts';
import type { Id } from '../../kernel/ids.ts';

const example = '01k0c3v7e8t9w2x4y6z8a0b2c4';

/** The id of one kind of thing. */
export function idOf<Prefix extends string>(prefix: Prefix) {
  return z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-z]{26}$`))
    .meta({ examples: [`${prefix}_${example}`] })
    .transform((id) => id as Id<Prefix>);
}

/** The same in an answer. */
export function shownId(prefix: string) {
  return z.string().meta({ examples: [`${prefix}_${example}`] });
}

/** An instant, in an answer. @see RFC 3339 */
export const time = z.iso.datetime().meta({ examples: ['2026-03-01T12:00:00.000Z'] });

/** An instant, as a caller gives it. */
export const givenTime = z.iso
  .datetime({ offset: true })
  .meta({ examples: ['2026-03-01T12:00:00Z'] })
  .transform((text) => new Date(text));

export const slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
  .meta({ description: 'A stable short name: lower-case letters, digits and dashes.', examples: ['acme'] });

/** A text for people: no control characters, no half characters. */
export const label = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u);

export const name = label(200).meta({ examples: ['Acme Inc.'] });

/** An address as a caller gives it; canonical from here on. */
export const givenEmail = z
  .string()
  .max(320)
  .meta({ examples: ['ada@acme.test'] })
  .transform((text, issue) => {
    const email = parseEmail(text);
    if (email) return email;
    issue.addIssue('is not an email address');
    return z.NEVER;
  });

export const email = z.string().meta({ examples: ['ada@acme.test'] });

export const graceDays = z
  .int()
  .min(0)
  .max(366)
  .meta({ description: 'Days after the end in which everything still works.', examples: [14] });

/** A date in an answer. */
export function shownTime(at: Date): string {
  return at.toISOString();
}

export function shownTimeOrNull(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}

/** The members that a caller has sent, under the names the core has for them: what is left out stays as it is. */
export function given<Value extends Readonly<Record<string, unknown>>>(
  value: Value,
): { [Name in keyof Value]: Exclude<Value[Name], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never;
}
