/** The flows themselves: the same requests to whatever side, each answer looked at. */
import { createHash } from 'node:crypto';
import { Jar } from './jar.ts';
import {
  anyPerson,
  apiResource,
  basic,
  confidentialRedirectUri,
  issuer,
  newNetwork,
  password,
  redirectUri,
  type Target,
} from './target.ts';
import { type Answer, expectRedirect, expectStatus, memberOf, pathOf } from './wire.ts';

const verifier = 'bench-verifier-bench-verifier-bench-verifier-bench';
const challenge = createHash('sha256').update(verifier).digest('base64url');

export async function clientCredentials({ wire, headers, endpoints }: Target): Promise<void> {
  const form = { grant_type: 'client_credentials', resource: apiResource, scope: 'assist:read' };
  const sent = { ...headers, ...basic('service') };
  const answer = await wire.post(endpoints.token, { headers: sent, form });
  expectJwt(memberOf(expectStatus(answer, 200), 'access_token'));
}

export async function refresh(target: Target, slot: number): Promise<void> {
  const { wire, headers, endpoints, people } = target;
  const person = anyPerson(target, slot);
  const before = people.refreshToken(person);
  const form = { grant_type: 'refresh_token', client_id: 'demo-assist', refresh_token: before };
  const answer = expectStatus(await wire.post(endpoints.token, { headers, form }), 200);
  expectJwt(memberOf(answer, 'access_token'));
  expectJwt(memberOf(answer, 'id_token'));
  const after = memberOf(answer, 'refresh_token');
  if (after === before) throw new Error('the refresh token was not rotated');
  people.keepRefreshToken(person, after);
}

export async function introspect(target: Target, slot: number): Promise<void> {
  const { wire, headers, people } = target;
  const form = { token: people.accessToken(anyPerson(target, slot)), token_type_hint: 'access_token' };
  const answer = await wire.post('/introspect', { headers: { ...headers, ...basic('confidential') }, form });
  if (!expectStatus(answer, 200).text.includes('"active":true')) throw new Error('the token is not active');
}

export async function userinfo(target: Target, slot: number): Promise<void> {
  const { wire, headers, people } = target;
  const authorization = `Bearer ${people.accessToken(anyPerson(target, slot))}`;
  const answer = await wire.get('/userinfo', { headers: { ...headers, authorization } });
  memberOf(expectStatus(answer, 200), 'email');
}

export async function discovery({ wire, headers }: Target): Promise<void> {
  memberOf(expectStatus(await wire.get('/.well-known/openid-configuration', { headers }), 200), 'issuer');
}

export async function jwks({ wire, headers }: Target): Promise<void> {
  const answer = expectStatus(await wire.get('/jwks', { headers }), 200);
  if (!answer.text.includes('"keys"')) throw new Error('these are no keys');
}

/** A second application, at a browser that is signed in: two requests, nothing asked. */
export async function singleSignOn(target: Target, slot: number): Promise<void> {
  const jar = target.people.browser(anyPerson(target, slot)) as Jar;
  const answer = await target.wire.get(authorizePath(target, 'assist'), { headers: target.headers, jar });
  await exchange(target, answer, 'assist');
}

/** As a page of the vendor's own does it: JSON from the request to the tokens, in five requests. */
export async function signInByPassword(target: Target, slot: number): Promise<void> {
  await signIn(target, { email: target.people.email(anyPerson(target, slot)), password });
}

/** And as a browser does it, by the built-in pages. */
export async function signInByPages(target: Target, slot: number): Promise<void> {
  const { wire, people } = target;
  const headers = { ...target.headers, ...newNetwork(), accept: 'text/html' };
  const jar = new Jar();
  const away = expectRedirect(await wire.get(authorizePath(target, 'assist'), { headers, jar }));
  const page = expectStatus(await wire.get(away, { headers, jar }), 200);
  const action = /<form method="post" action="([^"]+\/password)"/.exec(page.text)?.[1];
  if (action === undefined) throw new Error('the page has no form for a password');
  const form = { email: people.email(anyPerson(target, slot)), password };
  const done = await wire.post(pathOf(action), { headers: { ...headers, origin: issuer }, form, jar });
  const back = await wire.get(expectRedirect(done), { headers, jar });
  await exchange(target, back, 'assist');
}

/** By the page of Keycloak: one request fewer, since the authorization request answers with it. */
export async function signInAtKeycloak(target: Target, email: string): Promise<SignedIn> {
  const { wire, headers } = target;
  const jar = new Jar();
  const page = expectStatus(await wire.get(authorizePath(target, 'assist'), { headers, jar }), 200);
  const action = /<form id="kc-form-login"[^>]* action="([^"]+)"/.exec(page.text)?.[1];
  if (action === undefined) throw new Error('the page has no form for a password');
  const form = { username: email, password };
  const back = await wire.post(pathOf(action.replaceAll('&amp;', '&')), { headers, form, jar });
  return { jar, tokens: await exchange(target, back, 'assist') };
}

export interface SignedIn {
  readonly jar: Jar;
  readonly tokens: Answer;
}

export interface SigningIn {
  readonly email: string;
  /** Without one the engine beside takes the email for proof: for people who must be there before a measurement. */
  readonly password?: string;
  readonly client?: 'assist' | 'confidential';
}

export async function signIn(target: Target, { client = 'assist', ...who }: SigningIn): Promise<SignedIn> {
  const { jar, headers, href } = await toPassword(target, client);
  const done = await target.wire.post(href, { headers: { ...headers, origin: issuer }, json: who, jar });
  const location = pathOf(memberOf(expectStatus(done, 200), 'location'));
  const back = await target.wire.get(location, { headers, jar });
  return { jar, tokens: await exchange(target, back, client) };
}

/** A browser at the step that asks who one is; `href` takes the answer. */
export async function toPassword(target: Target, client: 'assist' | 'confidential' = 'assist') {
  const { wire } = target;
  const headers = { ...target.headers, ...newNetwork(), accept: 'application/json' };
  const jar = new Jar();
  const away = expectRedirect(await wire.get(authorizePath(target, client), { headers, jar }));
  const step = expectStatus(await wire.get(away, { headers, jar }), 200);
  const { actions } = JSON.parse(step.text) as { actions: { password: { href: string } } };
  return { jar, headers, href: pathOf(actions.password.href) };
}

export function authorizePath({ endpoints }: Target, client: 'assist' | 'confidential'): string {
  const query = new URLSearchParams({
    client_id: `demo-${client}`,
    response_type: 'code',
    redirect_uri: client === 'assist' ? redirectUri : confidentialRedirectUri,
    scope: 'openid profile email assist:read',
    ...(client === 'assist' && { resource: apiResource }),
    code_challenge: challenge,
    code_challenge_method: 'S256',
    // as long as the strictest side wants them
    state: 'bench-state',
    nonce: 'bench-nonce',
  });
  return `${endpoints.authorize}?${query.toString()}`;
}

/** From the way back to the client to its tokens. */
export async function exchange(
  { wire, headers, endpoints }: Target,
  back: Answer,
  client: 'assist' | 'confidential',
): Promise<Answer> {
  const code = new URL(expectRedirect(back), issuer).searchParams.get('code');
  if (code === null) throw new Error(`there is no code in ${back.location ?? 'nothing'}`);
  const isPublic = client === 'assist';
  const form = {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: isPublic ? redirectUri : confidentialRedirectUri,
    ...(isPublic && { client_id: 'demo-assist' }),
  };
  const sent = { ...headers, ...(!isPublic && basic('confidential')) };
  const answer = expectStatus(await wire.post(endpoints.token, { headers: sent, form }), 200);
  expectJwt(memberOf(answer, 'id_token'));
  return answer;
}

function expectJwt(token: string): void {
  if (token.split('.').length !== 3) throw new Error('this is no JWT');
}
