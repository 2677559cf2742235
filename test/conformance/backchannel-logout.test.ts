/** OpenID's Back-Channel Logout plan: a client that asked to be told is told, in a token that it can verify. */
import { createServer } from 'node:http';
import { jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import t, { type Test } from 'tap';
import { checkEndpoints } from './discovery.ts';
import { completeFlow } from './flow.ts';
import { checkSignedOut, signOut } from './sign-out.ts';
import { type Modules, runPlan, type Suite } from './suite.ts';

interface Notice {
  readonly method: string | undefined;
  readonly contentType: string | undefined;
  readonly form: URLSearchParams;
}

/** Where the client is told; it answers as the specification has it (§2.8). */
async function startReceiver(t: Test): Promise<{ uri: string; received: Notice[] }> {
  const received: Notice[] = [];
  const server = createServer(({ method, headers }, answer) => {
    let body = '';
    answer.req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    answer.req.once('end', () => {
      received.push({ method, contentType: headers['content-type'], form: new URLSearchParams(body) });
      answer.writeHead(200, { 'cache-control': 'no-store' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { uri: `http://127.0.0.1:${port}/test/a/doorward/backchannel_logout`, received };
}

/** OpenID Connect Back-Channel Logout §2.4 */
async function checkLogoutToken(
  t: Test,
  { issuer, keys, client }: Suite,
  { token, idToken }: { readonly token: string; readonly idToken: Readonly<Record<string, unknown>> },
): Promise<void> {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer,
    audience: client.registered.clientId,
    algorithms: ['RS256'],
    typ: 'logout+jwt',
    requiredClaims: ['iat', 'exp', 'jti'],
  });
  t.type(protectedHeader.kid, 'string');
  t.same(payload['events'], { 'http://schemas.openid.net/event/backchannel-logout': {} });
  t.type(payload.jti, 'string');
  t.equal(payload.sub, idToken['sub']);
  t.type(idToken['sid'], 'string');
  t.equal(payload['sid'], idToken['sid'], 'the session is named, which the profile demands');
  t.notOk('nonce' in payload);
}

const { uri, received } = await startReceiver(t);

const modules: Modules<'oidcc-backchannel-rp-initiated-logout-certification-test-plan'> = {
  'oidcc-backchannel-logout-discovery-endpoint-verification': async (t, suite) => {
    t.equal(suite.metadata['backchannel_logout_supported'], true);
    t.equal(suite.metadata['backchannel_logout_session_supported'], true);
    t.equal(suite.metadata['end_session_endpoint'], `${suite.issuer}/logout`);
    checkEndpoints(t, suite);
  },

  'oidcc-backchannel-rp-initiated-logout': async (t, suite) => {
    const browser = suite.browser();
    const { tokens, claims } = await completeFlow(t, suite, { browser });
    const state = oidc.randomState();
    const { end } = await signOut(suite, browser, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: suite.signedOutUri,
      state,
    });
    t.equal(end.location, `${suite.signedOutUri}?state=${state}`);
    await suite.app.runJob('logout notices');
    t.equal(received.length, 1, 'told once');
    const [notice] = received;
    t.match(notice, { method: 'POST', contentType: /^application\/x-www-form-urlencoded/ });
    t.same([...(notice?.form.keys() ?? [])], ['logout_token']);
    await checkLogoutToken(t, suite, { token: notice?.form.get('logout_token') ?? '', idToken: claims });
    await checkSignedOut(t, suite, browser);
  },
};

const name = 'oidcc-backchannel-rp-initiated-logout-certification-test-plan';
await runPlan(t, { name, modules, backchannelLogoutUri: uri });
