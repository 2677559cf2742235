/** The modules of the RP-Initiated Logout plan. */
import { base64url, generateKeyPair, SignJWT } from 'jose';
import * as oidc from 'openid-client';
import type { Test } from 'tap';
import type { Agent, Answer } from '../support/agent.ts';
import { checkEndpoints } from './discovery.ts';
import { completeFlow } from './flow.ts';
import { checkSignedIn, checkSignedOut, type SigningOut, signOut } from './sign-out.ts';
import type { Module, Modules, Suite } from './suite.ts';

interface Signed {
  readonly browser: Agent;
  /** Everything that a client may send: the modules leave out or change some of it. */
  readonly asked: Required<SigningOut> & { readonly id_token_hint: string; readonly state: string };
}

/** A person who has come by the client; the state is long, to see that it comes back whole. */
async function signedIn(t: Test, suite: Suite): Promise<Signed> {
  const browser = suite.browser();
  const { tokens } = await completeFlow(t, suite, { browser });
  const asked = {
    id_token_hint: tokens.id_token ?? '',
    post_logout_redirect_uri: suite.signedOutUri,
    state: `${oidc.randomState()}a1B2`.padEnd(128, '-._~'),
  };
  return { browser, asked };
}

function checkRedirect(t: Test, suite: Suite, { end, state }: { end: Answer; state: string | undefined }) {
  const target = new URL(end.location ?? 'about:blank');
  t.equal(`${target.origin}${target.pathname}`, suite.signedOutUri);
  t.same([...target.searchParams], state === undefined ? [] : [['state', state]], 'and nothing more');
}

/** A module that ends at the registered address. */
function redirects(change: SigningOut): Module {
  return async (t, suite) => {
    const { browser, asked } = await signedIn(t, suite);
    const { end } = await signOut(suite, browser, { ...asked, ...change });
    checkRedirect(t, suite, { end, state: 'state' in change ? undefined : asked.state });
    await checkSignedOut(t, suite, browser);
  };
}

/** A module that ends on a page of ours that says so, and never at the client. */
function signsOutHere(change: SigningOut): Module {
  return async (t, suite) => {
    const { browser, asked } = await signedIn(t, suite);
    const { end } = await signOut(suite, browser, { ...asked, ...change });
    t.same([end.status, end.location, new URL(end.url).pathname], [200, undefined, '/logout/success']);
    t.match(end.headers.get('content-type'), /^text\/html/);
    t.notOk(end.text.includes(suite.signedOutUri));
    await checkSignedOut(t, suite, browser);
  };
}

/** A module that ends with an error on a page of ours: nothing happens by what cannot be believed. */
function isRefused(
  change: (asked: Signed['asked'], suite: Suite) => SigningOut | Promise<SigningOut>,
): Module {
  return async (t, suite) => {
    const { browser, asked } = await signedIn(t, suite);
    const { page } = await signOut(suite, browser, { ...asked, ...(await change(asked, suite)) });
    t.same([page.status, page.location], [400, undefined]);
    t.match(page.headers.get('content-type'), /^text\/html/);
    t.notOk(page.text.includes(suite.signedOutUri));
    await checkSignedIn(t, suite, browser);
  };
}

/** Without a hint nobody knows who asks: the person is, and the address of whoever asked counts for nothing. */
const noIdTokenHint: Module = async (t, suite) => {
  const { browser, asked } = await signedIn(t, suite);
  const { page } = await signOut(suite, browser, { ...asked, id_token_hint: undefined });
  t.equal(page.status, 200);
  t.notMatch(page.text, /<script/, 'a question, which no script answers');
  await signsOutHere({ id_token_hint: undefined })(t, suite);
};

function unsigned(idToken: string): string {
  return `${base64url.encode('{"alg":"none"}')}.${idToken.split('.')[1]}.`;
}

/** The same claims, signed with a key of somebody else under the name of ours. */
async function foreignSigned(idToken: string): Promise<string> {
  const [head = '', body = ''] = idToken.split('.');
  const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object;
  const { privateKey } = await generateKeyPair('RS256');
  return new SignJWT({ ...decode(body) })
    .setProtectedHeader(decode(head) as { alg: string })
    .sign(privateKey);
}

export const rpLogoutModules = {
  'oidcc-rp-initiated-logout-discovery-endpoint-verification': async (t, suite) => {
    t.equal(suite.metadata['end_session_endpoint'], `${suite.issuer}/logout`);
    checkEndpoints(t, suite);
  },
  'oidcc-rp-initiated-logout': redirects({}),
  'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri': isRefused((_asked, { signedOutUri }) => ({
    post_logout_redirect_uri: `${signedOutUri}${oidc.randomState()}`,
  })),
  'oidcc-rp-initiated-logout-modified-id-token-hint': isRefused(({ id_token_hint: hint }) => ({
    id_token_hint: unsigned(hint),
  })),
  'oidcc-rp-initiated-logout-no-id-token-hint': noIdTokenHint,
  'oidcc-rp-initiated-logout-no-params': signsOutHere({
    id_token_hint: undefined,
    post_logout_redirect_uri: undefined,
    state: undefined,
  }),
  'oidcc-rp-initiated-logout-no-post-logout-redirect-uri': signsOutHere({
    post_logout_redirect_uri: undefined,
  }),
  'oidcc-rp-initiated-logout-no-state': redirects({ state: undefined }),
  'oidcc-rp-initiated-logout-only-state': signsOutHere({
    id_token_hint: undefined,
    post_logout_redirect_uri: undefined,
  }),
  'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri': isRefused(
    (_asked, { signedOutUri }) => ({
      post_logout_redirect_uri: `${signedOutUri}?foo=bar`,
    }),
  ),
  'oidcc-rp-initiated-logout-bad-id-token-hint': isRefused(async ({ id_token_hint: hint }) => ({
    id_token_hint: await foreignSigned(hint),
  })),
} satisfies Modules<'oidcc-rp-initiated-logout-certification-test-plan'>;
