/** What a trace says of an error, and what it leaves out. */
import t from 'tap';
import { Failure } from '../../src/kernel/failures.ts';
import { codeOf, follow, type Span, type SpanStart, type Tracer } from '../../src/kernel/tracer.ts';

t.test('an error is told by its code or its name, never by what it says', (t) => {
  const quoting = (members: object) => Object.assign(new Error('canary@acme.test'), members);
  const told: [error: unknown, code: string][] = [
    [new Failure('no_free_seat', { detail: 'canary' }), 'no_free_seat'],
    [quoting({ code: '23505', detail: 'Key (email)=(canary@acme.test) already exists.' }), '23505'],
    [new TypeError('fetch failed', { cause: quoting({ code: 'ECONNREFUSED' }) }), 'ECONNREFUSED'],
    [new RangeError('canary'), 'RangeError'],
    [quoting({ code: 'canary@acme.test' }), 'Error'],
    [quoting({ code: 42, name: 'a name that canary chose' }), 'error'],
    ['canary', 'error'],
    [undefined, 'error'],
  ];
  for (const [error, code] of told) t.equal(codeOf(error), code);
  t.end();
});

t.test('work that is followed ends as it would have', async (t) => {
  const ended: (string | undefined)[] = [];
  const span: Span = { traceId: 'x', run: (work) => work(), set: () => {}, end: (code) => ended.push(code) };
  const tracer: Tracer = { begin: () => span, close: () => Promise.resolve() };
  const start: SpanStart = { kind: 'work', name: 'x' };
  const failing = () => Promise.reject(new Failure('throttled'));
  for (const followed of [tracer, undefined]) {
    t.equal(await follow(followed, start, () => Promise.resolve(1)), 1);
    await t.rejects(follow(followed, start, failing), { code: 'throttled' });
  }
  t.same(ended, [undefined, 'throttled']);
});
