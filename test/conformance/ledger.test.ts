/** No module of a plan is missing, none is run that is not one, and each plan is run by one file. */
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { clientPlans, plans } from './plans.ts';

const here = import.meta.dirname;
const sources = new Map<string, string>();
for await (const file of glob('*.ts', { cwd: here }))
  if (!['plans.ts', 'ledger.test.ts'].includes(file))
    sources.set(file, await readFile(path.join(here, file), 'utf8'));

/** How often each text between quotes that looks like an id or a plan stands in a file, as the key of a module or the name of a run. */
function found(pattern: RegExp): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const [file, text] of sources)
    for (const [, name = ''] of text.matchAll(pattern)) files.set(name, [...(files.get(name) ?? []), file]);
  return files;
}

const all: Readonly<Record<string, readonly string[]>> = { ...plans, ...clientPlans };

t.test('the plans have as many modules as the suite gives them', (t) => {
  const sizes = Object.values(all).map((modules) => modules.length);
  t.same(sizes, [38, 38, 1, 11, 2, 1, 14, 5, 8]);
  for (const [name, modules] of Object.entries(all))
    t.equal(new Set(modules).size, modules.length, `${name} has nothing twice`);
  t.end();
});

t.test('each module is written once, under its id', (t) => {
  const written = found(/^ {2}'(oidcc-[\w-]+)':/gm);
  t.same([...written.keys()].sort(), [...new Set(Object.values(all).flat())].sort());
  for (const [id, files] of written) t.equal(files.length, 1, `${id}: ${files.join(', ')}`);
  t.end();
});

t.test('each plan is run by one file', (t) => {
  const run = found(/\bname(?::| =) '(oidcc-[\w-]+)'/g);
  t.same([...run.keys()].sort(), Object.keys(all).sort());
  for (const [name, files] of run) t.match(files, [/\.test\.ts$/], name);
  t.end();
});

t.test('docs/standards.md names every plan, and no module that there is not', async (t) => {
  const text = await readFile(path.join(here, '../../docs/standards.md'), 'utf8');
  const known = new Set([...Object.keys(all), ...Object.values(all).flat()]);
  const named = new Set([...text.matchAll(/`(oidcc-[\w-]+)`/g)].map(([, name = '']) => name));
  for (const name of Object.keys(all)) t.ok(named.has(name), name);
  for (const name of named) t.ok(known.has(name), name);
});
