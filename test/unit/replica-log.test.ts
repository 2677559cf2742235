/** Whoever looks for secrets in logs finds them: I9 is worth as much as this. */
import t from 'tap';
import { Canaries } from '../support/canaries.ts';
import { createLog } from '../support/replica-log.ts';

const token = 'kZ3_vQ0m1-xY7wB2nT5c';
const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMDFrMGMzdjdlOHQ5In0.c2lnbmF0dXJlLW9mLXRoaXM';
const password = 'with blanks & more';

function leaked(...pieces: readonly string[]): string[] {
  const canaries = new Canaries();
  canaries.add('token', token);
  canaries.add('jwt', jwt);
  canaries.add('password', password);
  const log = createLog(canaries);
  for (const piece of pieces) log.add(piece);
  return log.leaked();
}

t.test('a log without them has none', async (t) => {
  t.same(leaked('{"msg":"request","route":"/token","reqId":"f17I8rn-My1n"}\n'), []);
  t.same(leaked('{"kid":"eyJhbGciOiJFUzI1NiJ9"}\n'), [], 'the beginning of a JWT is that of many');
});

t.test('each is found, in a line, in pieces, and in other forms', async (t) => {
  t.same(leaked(`{"url":"/x?code=${token}&state=1"}\n`), ['token']);
  t.same(leaked(`{"token":"${token.slice(0, 7)}`, `${token.slice(7)}"}\n`), ['token']);
  t.same(leaked(`{"token":"${token}"}`), ['token'], 'in a line without an end');
  t.same(leaked(`{"authorization":"Bearer ${jwt}"}\n`), ['jwt']);
  t.same(leaked(`{"body":"password=${encodeURIComponent(password)}"}\n`), ['password']);
  t.same(leaked(`{"body":"${Buffer.from(token).toString('base64')}"}\n`), ['token']);
});

t.test('what was long ago in a long log is found too', async (t) => {
  const line = `{"msg":"${'request '.repeat(1000)}"}\n`;
  t.same(leaked(`{"token":"${token}"}\n`, ...Array.from({ length: 3000 }, () => line)), ['token']);
});
