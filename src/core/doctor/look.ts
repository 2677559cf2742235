import type { CheckStatus, DoctorCode, Evidence } from './diagnosis.ts';
import type { Findings } from './findings.ts';
import type { Walked } from './ways.ts';

/** A check before it is known whether anybody comes in all the same. */
export interface Look {
  readonly status: CheckStatus;
  readonly code?: DoctorCode;
  readonly evidence?: Evidence;
}

/** What is looked at: what was found, and where each of the ways ends. */
export interface Looked {
  readonly findings: Findings;
  readonly ways: readonly Walked[];
  readonly best: Walked;
}

export const nothingToSee: Look = { status: 'not_applicable' };
