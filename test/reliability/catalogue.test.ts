/** The catalogue of faults is whole, and says what is there: no id without a file, and no file that nobody runs. */
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { catalogue, filesOf } from './catalogue.ts';

const number = (id: number): string => `RL-${String(id).padStart(2, '0')}`;
const wanted = [...Array.from({ length: 20 }, (_, index) => number(index + 1)), 'RL-26', 'RL-27'];

t.test('every fault of the catalogue is provoked by a file that names it', async (t) => {
  t.same(Object.keys(catalogue), wanted);
  for (const id of wanted) {
    const files = await filesOf(id);
    t.ok(files.length > 0, `${id} has a file`);
    for (const file of files)
      t.match(await readFile(file, 'utf8'), new RegExp(`\\b${id}\\b`), `${file}: ${id}`);
  }
});

t.test(
  'a file that provokes faults is in the catalogue, and says which fault in the name of a test',
  async (t) => {
    for await (const file of glob('test/reliability/faults/*')) {
      const [id = ''] = /^rl-\d\d(?=-.*\.fault\.ts$)/.exec(path.basename(file)) ?? [];
      t.ok(Object.hasOwn(catalogue, id.toUpperCase()), file);
      t.match(
        await readFile(file, 'utf8'),
        new RegExp(`test\\(\\s*['"\`]${id.toUpperCase()} `),
        `${file} tells`,
      );
    }
  },
);
