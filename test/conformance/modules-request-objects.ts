/**
 * Basic and Form Post: request objects, which we do not take. Each module lets a server refuse them, by exactly one error;
 * what it must not do is to ignore the object and go on with what stands beside it.
 */
import { base64url } from 'jose';
import { checkError, checkPage } from './checks.ts';
import type { Asked } from './suite-client.ts';
import type { Module, Suite } from './suite.ts';

/** An unsigned object (`alg: none`) with all that was asked; beside it only what OAuth and OpenID Connect demand there. */
function requestObject({ issuer, client }: Suite, { url }: Asked): string {
  const claims = { ...Object.fromEntries(url.searchParams), aud: issuer, iss: client.registered.clientId };
  const encode = (value: unknown) => base64url.encode(JSON.stringify(value));
  return `${encode({ alg: 'none' })}.${encode(claims)}.`;
}

function beside({ url }: Asked, more: Readonly<Record<string, string>>): URL {
  const kept = ['client_id', 'response_type', 'scope', 'redirect_uri', 'response_mode'];
  const outer = new URL(url);
  outer.search = new URLSearchParams(
    [...url.searchParams].filter(([name]) => kept.includes(name)),
  ).toString();
  for (const [name, value] of Object.entries(more)) outer.searchParams.set(name, value);
  return outer;
}

/** A signed-in browser is the dangerous one: what is ignored would be answered at once. */
async function signedIn(suite: Suite) {
  const browser = suite.browser();
  await suite.client.authorize(browser, await suite.client.ask());
  return browser;
}

const byValue: Module = async (t, suite) => {
  t.notOk(suite.metadata['request_parameter_supported'] ?? false);
  t.notOk('request_object_signing_alg_values_supported' in suite.metadata);
  const inside = await suite.client.ask();
  const asked = { ...inside, url: beside(inside, { request: requestObject(suite, inside) }) };
  const { callback } = await suite.client.authorize(await signedIn(suite), asked);
  // the state stands in the object alone, where nobody has looked
  checkError(t, suite, { callback, state: null, codes: ['request_not_supported'] });
};

const byReference: Module = async (t, suite) => {
  t.equal(suite.metadata['request_uri_parameter_supported'], false);
  const inside = await suite.client.ask();
  const requestUri = 'https://suite.test/test/a/doorward/requesturi/1234#5678';
  const asked = { ...inside, url: beside(inside, { request_uri: requestUri }) };
  const { callback } = await suite.client.authorize(await signedIn(suite), asked);
  checkError(t, suite, { callback, state: null, codes: ['request_uri_not_supported'] });
};

/** The address inside is good, the one beside it is not: it is a page, and nothing goes to either. */
const redirectUriInside: Module = async (t, suite) => {
  const inside = await suite.client.ask();
  const wrong = `${suite.client.registered.redirectUri}/unregistered`;
  const url = beside(inside, { request: requestObject(suite, inside), redirect_uri: wrong });
  checkPage(t, await suite.client.authorize(await signedIn(suite), { ...inside, url }));
};

export const requestObjectModules = {
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported': byReference,
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported': byValue,
  'oidcc-ensure-request-object-with-redirect-uri': redirectUriInside,
} satisfies Readonly<Record<string, Module>>;
