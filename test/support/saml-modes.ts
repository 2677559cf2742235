/** Every policy with every response that carries what it asks for. */
import type { Test } from 'tap';
import type { SignaturePolicy } from '../../src/core/connections/connections.ts';
import { attempt, type Attempt, outcomeOf, type SamlCase } from './saml-case.ts';
import type { Making } from './saml-idp.ts';

type Signs = 'assertion' | 'response' | 'both';

export const modes: readonly (readonly [SignaturePolicy, Signs])[] = [
  ['assertion', 'assertion'],
  ['assertion', 'both'],
  ['response', 'response'],
  ['response', 'both'],
  ['both', 'both'],
  ['either', 'assertion'],
  ['either', 'response'],
  ['either', 'both'],
];

export interface EachMode {
  /** The code of the refusal, or `taken: <subject>`. */
  readonly expected: string;
  readonly making: Making;
  readonly how?: Attempt;
  /** Left out: all of them. */
  readonly signs?: readonly Signs[];
}

/** Tries the response in every mode, or in those where it is signed like that. */
export async function inEachMode(
  t: Test,
  saml: SamlCase,
  { expected, making, how = {}, signs }: EachMode,
): Promise<void> {
  for (const [signaturePolicy, sign] of modes) {
    if (signs && !signs.includes(sign)) continue;
    const answer = await attempt(
      saml,
      { sign, ...making },
      { ...how, settings: { signaturePolicy, ...how.settings } },
    );
    t.equal(outcomeOf(answer), expected, `policy ${signaturePolicy}, signed: ${sign}`);
  }
}
