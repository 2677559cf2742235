import t from 'tap';
import { firstIdAt, newId, newRequestId } from '../../src/kernel/ids.ts';

t.test('ids of one millisecond rise in the order in which they were made', (t) => {
  const at = new Date('2026-01-01T00:00:00Z');
  const ids = Array.from({ length: 1000 }, () => newId('evt', at));
  t.strictSame([...ids].sort(), ids);
  t.equal(new Set(ids).size, ids.length);
  t.ok(firstIdAt('evt', at) < (ids[0] ?? ''));
  t.match(ids[999], /^evt_[0-9a-hjkmnp-tv-z]{26}$/);
  t.end();
});

t.test('an earlier moment has lower ids, also when it is asked for later', (t) => {
  const later = newId('evt', new Date(2000));
  t.ok(newId('evt', new Date(1000)) < later);
  t.ok(newId('evt', new Date(2000)) < newId('evt', new Date(3000)));
  t.end();
});

t.test('before the first moment there is no id, whatever a client takes for the beginning', (t) => {
  const first = firstIdAt('evt', new Date(0));
  for (const at of ['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z'])
    t.equal(firstIdAt('evt', new Date(at)), first, at);
  t.ok(first < newId('evt', new Date(1)));
  t.end();
});

t.test('nobody can count from one id to the next', (t) => {
  const at = new Date(1000);
  const steps = new Set<string>();
  for (let id = 0; id < 100; id += 1) steps.add(newId('evt', at).slice(-8));
  t.equal(steps.size, 100);
  t.end();
});

t.test('a request is called what no other is, also when the stock of random bytes runs out', (t) => {
  const ids = Array.from({ length: 1000 }, () => newRequestId());
  t.equal(new Set(ids).size, ids.length);
  t.ok(ids.every((id) => /^[\w-]{12}$/.test(id)));
  t.end();
});
