/** Basic and Form Post: what is told of the person, by which scope, and how userinfo may be asked. */
import { Agent, type Answer, type Send } from '../support/agent.ts';
import { checkClaims } from './checks.ts';
import { completeFlow } from './flow.ts';
import type { Module } from './suite.ts';

/** A module that asks userinfo in one of its ways. */
function askedBy(way: (accessToken: string) => Send): Module {
  return async (t, suite) => {
    const { tokens, claims } = await completeFlow(t, suite);
    const answer: Answer = await new Agent(suite.issuer).send(
      String(suite.metadata['userinfo_endpoint']),
      way(tokens.access_token),
    );
    t.equal(answer.status, 200);
    t.match(answer.headers.get('content-type'), /^application\/json/);
    const userinfo = answer.json();
    t.equal(userinfo.sub, claims.sub);
    checkClaims(t, userinfo);
  };
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/**
 * A module that asks for a scope. What it names comes from userinfo and not from the ID token (OpenID Connect Core §5.4).
 * The suite warns where not every claim of the standard comes back: of `profile` we know these three.
 */
function scopeGives(scope: string, names: readonly string[]): Module {
  return async (t, suite) => {
    const supported = suite.metadata['scopes_supported'] as string[];
    t.ok(supported.includes(scope));
    const { claims, userinfo } = await completeFlow(t, suite, { asking: { scope: `openid ${scope}` } });
    for (const name of names) {
      t.ok(name in userinfo, name);
      t.notOk(name in claims, `${name} is not in the ID token`);
    }
  };
}

/** The suite skips it where discovery does not list the scope; a client that asks for it all the same gets the rest. */
function scopeIsUnknown(scopes: readonly string[]): Module {
  return async (t, suite) => {
    const supported = suite.metadata['scopes_supported'] as string[];
    t.ok(scopes.some((scope) => !supported.includes(scope)));
    const asking = { scope: ['openid', ...scopes].join(' ') };
    const { tokens, userinfo } = await completeFlow(t, suite, { asking });
    for (const name of ['address', 'phone_number', 'phone_number_verified']) t.notOk(name in userinfo, name);
    const granted = (tokens.scope ?? '').split(' ').sort();
    t.same(granted, ['openid', ...scopes.filter((scope) => supported.includes(scope))].sort());
  };
}

/** Zero warnings needs the name in userinfo, and not in the ID token. */
const claimsEssential: Module = async (t, suite) => {
  t.equal(suite.metadata['claims_parameter_supported'], true);
  const asking = { claims: JSON.stringify({ userinfo: { name: { essential: true } } }) };
  const { claims, userinfo } = await completeFlow(t, suite, { asking });
  t.type(userinfo.name, 'string');
  t.notOk('name' in claims);
};

export const userinfoModules = {
  'oidcc-userinfo-get': askedBy((token) => ({ method: 'GET', ...bearer(token) })),
  'oidcc-userinfo-post-header': askedBy((token) => ({ method: 'POST', ...bearer(token) })),
  'oidcc-userinfo-post-body': askedBy((token) => ({ method: 'POST', form: { access_token: token } })),
  'oidcc-scope-profile': scopeGives('profile', ['name', 'locale', 'updated_at']),
  'oidcc-scope-email': scopeGives('email', ['email', 'email_verified']),
  'oidcc-scope-address': scopeIsUnknown(['address']),
  'oidcc-scope-phone': scopeIsUnknown(['phone']),
  'oidcc-scope-all': scopeIsUnknown(['address', 'email', 'phone', 'profile']),
  'oidcc-claims-essential': claimsEssential,
} satisfies Readonly<Record<string, Module>>;
