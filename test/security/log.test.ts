/** LG-03: one structured line for each request, and nothing in it that should not be there. */
import t from 'tap';
import { Agent, type Send } from '../support/agent.ts';
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

  t.test(
    'LG-03: whatever is sent, wherever: as many lines as requests, each one whole, short and JSON',
    async (t) => {
      const values = [
        'canary\r\n{"level":60,"msg":"forged"}\r\n',
        'canary","level":60,"msg":"forged',
        '\u001b[31mcanary\u001b[2K\u0007',
        'canary\u2028\u2029\u0085\u0000\\u0000\\',
        '\ud800canary %s %j %o ${canary} $(canary) {{canary}}',
        'canary'.repeat(180_000), // a megabyte
      ];
      const before = app.lines.length;
      const answered = requests().length;
      let sent = 0;
      const send = async (path: string, options: Send = {}): Promise<void> => {
        sent += 1;
        const { status } = await new Agent(app.issuer).post(path, options);
        t.ok(status < 500, `${path.slice(0, 40)}: ${status}`);
      };
      for (const value of values) {
        const text = value.toWellFormed();
        const encoded = encodeURIComponent(text.slice(0, 2000));
        const printable = encoded.slice(0, 2000);
        await send(`/password-resets`, { json: { email: value, interaction: value } });
        await send(`/password-resets/complete`, { json: { token: value, password: value } });
        await send('/password-resets/exchange', { json: { code: value } });
        await send('/token', {
          form: { grant_type: text, client_id: text, code: text, refresh_token: text },
        });
        await send('/introspect', {
          form: { token: text },
          headers: { authorization: `Basic ${printable}` },
        });
        await send(`/password-resets?${encoded}=${encoded}`, {
          body: text,
          headers: { 'content-type': 'application/json' },
        });
        await send(`/nothing/${encoded}`, {
          headers: { 'x-request-id': printable, 'user-agent': printable },
        });
        await send('/revoke', {
          form: { token: text },
          headers: { cookie: `doorward_session=${printable}`, referer: printable },
        });
        await send(`/federation/${encoded}/acs`, { form: { SAMLResponse: text, RelayState: text } });
      }
      const added = app.lines.slice(before);
      t.equal(requests().length - answered, sent, 'one line for each request');
      for (const line of added) {
        t.ok(line.length < 10_000, 'however much was sent');
        t.notMatch(line, /[\p{Cc}\p{Zl}\p{Zp}]|canary|forged/u);
        t.match(JSON.parse(line), { level: /^(20|30|40)$/, msg: String });
      }
    },
  );
});
