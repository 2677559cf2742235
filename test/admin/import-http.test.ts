import t from 'tap';
import { type Api, operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';

interface Line {
  readonly row?: number;
  readonly outcome?: string;
  readonly code?: string;
  readonly counts?: Readonly<Record<string, number>>;
}

t.test('an import over HTTP', async (t) => {
  const app = await startApp(t);
  const operator = await operatorApi(app);
  const { api: ada } = await signInToApi(app, 'ada@acme.test');
  const acme = (await operator.get('/accounts?slug=acme')).body.items[0].id as string;
  const path = `/accounts/${acme}/users/import`;
  const send = async (api: Api, text: string, { query = '', type = 'application/jsonl' } = {}) => {
    const answer = await api.send('POST', `${path}${query}`, {
      body: text,
      headers: { 'content-type': type },
    });
    t.equal(answer.status, 200, answer.text);
    t.match(answer.headers.get('content-type'), /^application\/jsonl/);
    return answer.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  };
  const people = '{"email":"one@acme.test","role":"agent"}\n{"email":"no address"}\n';

  await t.test('tries first and changes nothing, then does what it said', async (t) => {
    const tried = await send(ada, people, { query: '?dry_run=true' });
    t.match(tried, [
      { row: 1, outcome: 'invited' },
      { row: 2, outcome: 'refused' },
      { rows: 2, dry_run: true },
    ]);
    t.equal(
      (await ada.get(`/accounts/${acme}/invitations?limit=1`)).body.items[0].email,
      'invited@acme.test',
    );
    const done = await send(ada, people);
    t.same(done.slice(0, 2), tried.slice(0, 2));
    t.match(done.at(-1), { counts: { invited: 1, refused: 1 }, dry_run: false });
    const again = await send(ada, people);
    t.match(again[0], { outcome: 'unchanged' });
    const [event] = (await ada.get(`/accounts/${acme}/events?type=invitation.created&limit=1`)).body.items;
    t.match(event, { actor: { name: 'Ada Lovelace' } });
  });

  await t.test('lets operators alone bring passwords; CSV is taken too', async (t) => {
    const bcrypt = '$2b$04$abcdefghijklmnopqrstuuXEbnPSE1OPHAUuYcJ9Y8Z9n1lJ3mF9G';
    const row = JSON.stringify({ email: 'two@acme.test', password_hash: bcrypt });
    t.match(await send(ada, row), [{ outcome: 'refused' }, {}]);
    const [first] = await send(operator, 'email,name\nthree@acme.test,Three\n', {
      type: 'text/csv; charset=utf-8',
    });
    t.match(first, { outcome: 'invited' });
  });

  await t.test('takes nothing else, and not too much', async (t) => {
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      const refused = await ada.send('POST', path, { body: people, headers: { 'content-type': type } });
      t.match([refused.status, refused.body.code], [415, 'unsupported_media_type'], type);
    }
    // a request without a body passes every look at its type
    const empty = await ada.send('POST', path, {});
    t.match([empty.status, empty.body.code], [415, 'unsupported_media_type']);
    const huge = await operator.send('POST', path, {
      body: ' '.repeat(17 * 1024 * 1024),
      headers: { 'content-type': 'text/csv' },
    });
    t.match([huge.status, huge.body.code], [413, 'payload_too_large']);
    const json = await operator.send('POST', '/accounts', {
      body: people,
      headers: { 'content-type': 'text/csv' },
    });
    t.equal(json.status, 415);
  });
});
