import { createHash } from 'node:crypto';
import { Failure } from '../../kernel/failures.ts';

/** A strong validator (RFC 9110 §8.8.3) of what is answered: the same bytes, the same tag. */
export function etagOf(answer: unknown): string {
  return `"${createHash('sha256').update(JSON.stringify(answer)).digest('base64url').slice(0, 27)}"`;
}

/** Whether one of a header's tags is this one. */
export function isAmong(header: string, etag: string): boolean {
  return header === '*' || header.split(',').some((tag) => tag.trim() === etag);
}

/** Failure `precondition_failed` when what stands now is not what the caller has read (RFC 9110 §13.1.1). */
export function assertMatch(ifMatch: string, current: unknown): void {
  if (!isAmong(ifMatch, etagOf(current))) throw new Failure('precondition_failed');
}
