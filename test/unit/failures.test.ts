import { glob, readFile } from 'node:fs/promises';
import t from 'tap';
import { denialCodes } from '../../src/core/access/access.ts';
import { failures } from '../../src/kernel/failures.ts';

t.test('every failure in the table is used, and every denial is explained', async (t) => {
  let source = '';
  for await (const file of glob('src/**/*.ts')) {
    if (!file.endsWith('kernel/failures.ts')) source += await readFile(file, 'utf8');
  }
  for (const code of Object.keys(failures)) t.ok(source.includes(`'${code}'`), code);
  for (const code of denialCodes) t.match(source, new RegExp(`${code}: \\(`), code);
});
