import t from 'tap';
import { createLog } from '../../src/log.ts';

function logged(about: object): { line: Record<string, unknown>; text: string } {
  let text = '';
  createLog({ logLevel: 'info' }, { write: (line) => (text += line) }).info(about, 'it happened');
  return { line: JSON.parse(text) as Record<string, unknown>, text };
}

t.test('What is named like a secret is cut out of a line', (t) => {
  for (const name of ['password', 'token', 'secret', 'cookie', 'authorization']) {
    const secret = { [name]: 'hunter2' };
    for (const about of [secret, { request: secret }, { request: { headers: secret } }, { sent: [secret] }]) {
      const before = JSON.stringify(about);
      const { text } = logged(about);
      t.notMatch(text, 'hunter2', before);
      t.match(text, `"${name}":"[redacted]"`);
      t.equal(JSON.stringify(about), before, 'of the line, not of the object');
    }
  }
  t.end();
});

t.test('of an error as well, which keeps what it says', (t) => {
  const error = Object.assign(new Error('refused'), {
    token: 'hunter2',
    config: { authorization: 'hunter2' },
  });
  const { line, text } = logged({ err: error });
  t.notMatch(text, 'hunter2');
  t.match(line['err'], { type: 'Error', message: 'refused', token: '[redacted]', stack: /log\.test/ });
  t.end();
});

t.test('Everything else is written as it is', (t) => {
  const about = {
    route: '/token',
    ms: 3,
    at: new Date(0),
    of: [1, null],
    kid: undefined,
    body: Buffer.from('x'),
  };
  const { line } = logged(about);
  const { level, time, msg, ...rest } = line;
  t.same(rest, JSON.parse(JSON.stringify(about)));
  t.same([level, msg], [30, 'it happened']);
  t.match(time, /^\d{4}-\d\d-\d\dT.*Z$/);
  t.end();
});
