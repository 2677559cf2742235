/** Reads what tap writes while it runs: prints a line for each file and every failure in full, and counts the tests. */
import { inspect } from 'node:util';
import { Parser, type Result } from 'tap-parser';

/** A test is a `t.test` without a `t.test` of its own; or the file, if it has none. Skipped is failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** What one file, or one `t.test`, has reported up to now. */
interface Level {
  readonly trail: readonly string[];
  readonly passed: number;
  readonly failed: number;
  hasParts: boolean;
}

/** Answers when the output has ended. */
export function reportTap(output: NodeJS.ReadableStream): Promise<Tally> {
  const parser = new Parser();
  const level = readLevel(parser, []);
  return new Promise((resolve) => {
    parser.on('complete', () => {
      resolve(level);
    });
    output.pipe(parser);
  });
}

function readLevel(parser: Parser, trail: readonly string[]): Level {
  const level = { trail, passed: 0, failed: 0, hasParts: false };
  let part: Level | undefined;
  parser.on('child', (child) => {
    level.hasParts = true;
    part = readLevel(child, [...trail, child.name]);
  });
  parser.on('assert', (result) => {
    const tally = part ? tallyPart(part, result) : tallyAssertion(level, result);
    level.passed += tally.passed;
    level.failed += tally.failed;
    part = undefined;
    if (trail.length === 0) console.log(`${tally.failed > 0 ? '✗' : '✓'} ${result.name}`);
  });
  parser.on('bailout', (reason) => {
    console.log(`  ✗ tap gave up: ${reason}`);
  });
  return level;
}

/** The line after a part sums it up, and may know of a failure that no assertion told of: a time-out, a wrong plan. */
function tallyPart(part: Level, result: Result): Tally {
  const unseen = isFailure(result) && part.failed === 0;
  if (unseen) printFailure(part.trail, result);
  if (part.hasParts) return { passed: part.passed, failed: part.failed + Number(unseen) };
  const failed = part.failed > 0 || unseen;
  return { passed: Number(!failed), failed: Number(failed) };
}

/** Only failed assertions count here: the test they belong to counts once, when it is summed up. */
function tallyAssertion(level: Level, result: Result): Tally {
  if (isFailure(result)) printFailure([...level.trail, result.name], result);
  return { passed: 0, failed: Number(isFailure(result)) };
}

function isFailure(result: Result): boolean {
  return !result.ok || result.skip !== false || result.todo !== false;
}

/** What tap tells of every failure and nobody needs: the stack names the line. */
const noise = new Set(['at', 'source', 'stdio', 'cwd', 'externalID', 'command', 'args', 'jobId']);

function printFailure(trail: readonly string[], { ok, skip, diag }: Result): void {
  const why = ok ? ` (${skip === false ? 'still to do' : 'skipped'}: counts as failed)` : '';
  console.log(`  ✗ ${trail.join(' > ')}${why}`);
  for (const [key, value] of Object.entries((diag ?? {}) as Record<string, unknown>)) {
    if (noise.has(key)) continue;
    const text = typeof value === 'string' ? value : inspect(value, { depth: 4 });
    console.log(`${key}: ${text.includes('\n') ? `\n${text}` : text}`.trimEnd().replaceAll(/^/gm, '      '));
  }
}
