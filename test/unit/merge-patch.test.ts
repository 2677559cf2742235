/** JSON Merge Patch as RFC 7396 has it, as far as objects are patched by objects. */
import t from 'tap';
import { mergePatch } from '../../src/http/admin/merge-patch.ts';

t.test('the examples of RFC 7396, appendix A', (t) => {
  const cases = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{ a: 'foo' }, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ] as const;
  for (const [target, patch, result] of cases) t.strictSame(mergePatch(target, patch), result);
  t.end();
});

t.test('what was not sent stays, and no prototype is reached', (t) => {
  t.strictSame(mergePatch({ a: 1 }, { a: undefined }), { a: 1 });
  const patch = JSON.parse('{"__proto__":{"polluted":true},"a":{"constructor":{"b":1}}}') as object;
  const merged = mergePatch({}, patch as Record<string, unknown>);
  t.equal(({} as { polluted?: boolean }).polluted, undefined);
  t.equal(Object.getPrototypeOf(merged), Object.prototype);
  t.end();
});
