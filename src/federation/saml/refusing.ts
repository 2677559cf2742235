/** How a check says no: thrown inside, turned into an answer at the edge of this folder. Nobody else ever sees it thrown. */
import type { Refusal, RefusalCode } from '../../core/attempts/attempts.ts';

/** `detail` is for the log: words of ours, and nothing that was asserted. */
export function refuse(refused: RefusalCode, detail: string): never {
  throw new Error(detail, { cause: { refused, detail } satisfies Refusal });
}

/** The refusal that was thrown; undefined for anything else, which is a bug. */
export function refusalOf(error: unknown): Refusal | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return isRefusal(cause) ? cause : undefined;
}

function isRefusal(cause: unknown): cause is Refusal {
  return typeof cause === 'object' && cause !== null && 'refused' in cause;
}
