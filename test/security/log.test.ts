/** One structured line for each request, and nothing in it that should not be there. */
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { demoClient, RelyingParty, signIn } from '../support/relying-party.ts';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly reqId: string;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly ms: number;
}

t.test('the log', async (t) => {
  const app = await startApp(t);
  const requests = (): Line[] =>
    app.lines.map((line) => JSON.parse(line) as Line).filter(({ msg }) => msg === 'request');

  t.test('every request has one line with id, method, route, status and duration', async (t) => {
    const paths: [path: string, status: number, route: string][] = [
      ['/livez', 200, '/livez'],
      ['/.well-known/openid-configuration', 200, '/.well-known/openid-configuration'],
      ['/nothing/here?code=canary', 404, 'none'],
      ['/authorize?client_id=canary', 400, '/authorize'],
      ['/sign-in/abcdefghijklmnopqrstuvwxyz?x=canary', 410, '/sign-in/:uid'],
    ];
    for (const [path, status, route] of paths) {
      const before = requests().length;
      const answer = await new Agent(app.issuer).get(path);
      const added = requests().slice(before);
      t.equal(added.length, 1, path);
      t.match(added[0], { method: 'GET', route, status, reqId: answer.headers.get('x-request-id') });
      t.type(added[0]?.ms, 'number');
    }
  });

  t.test('no line carries a query, and hostile values cannot break a line', async (t) => {
    const hostile = 'x\n{"level":60}\u001b[31m';
    await new Agent(app.issuer).get(`/authorize?client_id=${encodeURIComponent(hostile)}&state=canary`);
    await new Agent(app.issuer).get('/livez', {
      headers: { 'x-request-id': 'forged', 'user-agent': 'canary' },
    });
    await signIn(
      new Agent(app.issuer),
      new RelyingParty(app.issuer, demoClient(app.issuer, 'assist')),
      'ada@acme.test',
    );
    t.ok(app.lines.every((line) => typeof (JSON.parse(line) as Line).level === 'number'));
    t.notOk(app.lines.some((line) => /canary|forged|code=|ada@acme/.test(line)));
  });
});
