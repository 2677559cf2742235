import t from 'tap';
import { createDatabase } from '../support/database.ts';
void t.test('many', async (t) => { const urls = await Promise.all(Array.from({length: 20}, () => createDatabase(t))); t.equal(urls.length, 20);  console.error(urls[0]); });
void t.test('hang', async (t) => { if (process.env['HANG']) await new Promise((r) => setTimeout(r, 100000)); t.ok(1)});
