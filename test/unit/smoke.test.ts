import t from 'tap';
import { startApp } from '../support/app.ts';
t.test('it starts', async (t) => {
  const app = await startApp(t);
  const r = await fetch(`${app.issuer}/readyz`);
  t.equal(r.status, 200);
});
