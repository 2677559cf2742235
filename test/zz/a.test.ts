import t from 'tap';
void t.test('one passes', async (t) => { t.equal(1, 1); t.equal(2, 2); });
void t.test('one has parts', async (t) => {
  await t.test('part a', async (t) => { t.ok(true); });
  await t.test('part b', async (t) => { t.same({ a: 1, b: [1] }, { a: 1, b: [2] }, 'same things'); });
});
void t.test('one throws', async () => { throw new Error('boom'); });
void t.test('one is skipped', { skip: true }, async () => {});
void t.test('one is todo');
