/** OpenID Connect Discovery §3 and §4: the module of the Config plan, and what the logout plans check of it too. */
import type { Test } from 'tap';
import { Agent } from '../support/agent.ts';
import { checkKeys } from './checks.ts';
import type { Modules, Suite } from './suite.ts';

const path = '/.well-known/openid-configuration';
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Every endpoint is https, the suite demands; in a test the issuer is http on loopback. So: each is of the issuer, whose
 * scheme production checks (`ISSUER`).
 */
export function checkEndpoints(t: Test, { metadata, issuer }: Suite): void {
  const endpoints = Object.entries(metadata).filter(([name]) => /_(endpoint|uri)$/.test(name));
  t.ok(endpoints.length > 0);
  for (const [name, value] of endpoints) {
    const url = URL.parse(String(value));
    t.equal(url?.origin, issuer, name);
    t.same([url?.hash, url?.search, url?.username], ['', '', ''], name);
  }
}

/** An array of texts, each there once, of which some must be there. */
function checkList(
  t: Test,
  { metadata }: Suite,
  { name, needed }: { name: string; needed: readonly string[] },
) {
  const list = metadata[name] as string[];
  t.ok(Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string'), name);
  t.equal(new Set(list).size, list.length, `${name} says nothing twice`);
  for (const item of needed) t.ok(list.includes(item), `${name} has ${item}`);
}

async function checkDocument(t: Test, { metadata, issuer }: Suite): Promise<void> {
  const answer = await new Agent(issuer).get(`${issuer}${path}`);
  t.equal(answer.status, 200);
  t.match(answer.headers.get('content-type'), /^application\/json/);
  t.same(answer.json(), metadata);
  t.equal(
    metadata['issuer'],
    issuer,
    'whoever asks for the configuration of an issuer gets that of this issuer',
  );
  const url = new URL(issuer);
  t.same([url.search, url.hash], ['', '']);
}

export const configModules = {
  'oidcc-discovery-endpoint-verification': async (t, suite) => {
    await checkDocument(t, suite);
    const lists: Readonly<Record<string, readonly string[]>> = {
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'form_post'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      subject_types_supported: ['public'],
      // OpenID Connect Discovery §3 demands RS256
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      claims_supported: ['sub', 'name', 'email', 'email_verified', 'auth_time', 'acr'],
      code_challenge_methods_supported: ['S256'],
      ui_locales_supported: ['en'],
    };
    for (const [name, needed] of Object.entries(lists)) checkList(t, suite, { name, needed });
    const { metadata } = suite;
    for (const scope of metadata['scopes_supported'] as string[]) t.match(scope, scopeToken);
    for (const locale of metadata['ui_locales_supported'] as string[])
      t.same(Intl.getCanonicalLocales(locale), [locale], 'a language tag in its canonical form');
    for (const name of ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri'])
      t.type(metadata[name], 'string', name);
    checkEndpoints(t, suite);
    t.equal(metadata['claims_parameter_supported'], true);
    t.equal(metadata['request_parameter_supported'] ?? false, false);
    // what is not said is true by default
    t.equal(metadata['request_uri_parameter_supported'], false);
    t.notOk('registration_endpoint' in metadata);
    const keys = await new Agent(suite.issuer).get(String(metadata['jwks_uri']));
    t.equal(keys.status, 200);
    checkKeys(t, keys.json());
    const algorithms = keys.json().keys.map(({ alg }: { alg: string }) => alg);
    for (const alg of metadata['id_token_signing_alg_values_supported'] as string[])
      t.ok(algorithms.includes(alg), `there is a key for ${alg}`);
  },
} satisfies Modules<'oidcc-config-certification-test-plan'>;
