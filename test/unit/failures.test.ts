import { glob, readFile } from 'node:fs/promises';
import t from 'tap';
import { Failure, failures, type FailureCode } from '../../src/kernel/failures.ts';

const codes = Object.keys(failures) as FailureCode[];

t.test('every failure in the table happens somewhere', async (t) => {
  const files = await Array.fromAsync(glob('src/**/*.ts', { exclude: ['src/kernel/failures.ts'] }));
  const source = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
  for (const code of codes) {
    // thrown, or the name of a framework's error, or the problem of a step
    const ways = [`new Failure\\(\\s*'${code}'`, `\\b\\d{3}: '${code}'`, `\\bcode: '${code}'`];
    t.match(source, new RegExp(ways.join('|')), code);
  }
});

t.test('every failure is one that HTTP knows, with a title of its own', async (t) => {
  for (const code of codes) {
    const { status, title } = failures[code];
    t.match(code, /^[a-z]+(_[a-z]+)*$/);
    t.ok(status === 503 || (status >= 400 && status < 500), code);
    t.match(title, /^[A-Z].*[^.\s]$/, code);
  }
  t.equal(new Set(codes.map((code) => failures[code].title)).size, codes.length);
});

t.test('a failure carries what the caller may see apart from what only the log may', async (t) => {
  const cause = new Error('secret');
  const failure = new Failure('invalid_input', { detail: 'seen', fields: { a: 'b' }, retryAfter: 3, cause });
  t.ok(failure instanceof Error);
  t.match(failure, { code: 'invalid_input', detail: 'seen', fields: { a: 'b' }, retryAfter: 3, cause });
  t.notOk(JSON.stringify(failure).includes('secret'));
  t.match(new Failure('not_found'), {
    code: 'not_found',
    detail: undefined,
    fields: undefined,
    cause: undefined,
  });
});
