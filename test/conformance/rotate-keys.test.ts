/**
 * Of OpenID's Dynamic plan the module that waits until somebody rotates the keys of the server: the suite's own runs leave
 * it out, since nobody does. Here somebody does, between the two halves.
 */
import { createRemoteJWKSet, type JSONWebKeySet } from 'jose';
import t from 'tap';
import { rotateSigningKeys } from '../../src/core/keys/keys.ts';
import { day } from '../../src/kernel/time.ts';
import { checkKeys, headerOf } from './checks.ts';
import { SuiteClient } from './suite-client.ts';
import { type Completed, completeFlow } from './flow.ts';
import { type Modules, runPlan, type Suite } from './suite.ts';

async function publishedKeys({ metadata }: Suite): Promise<JSONWebKeySet> {
  return (await fetch(String(metadata['jwks_uri']))).json() as Promise<JSONWebKeySet>;
}

/** A rotation is announced to every replica, this one too: a moment at most. */
async function keysOtherThan(suite: Suite, before: JSONWebKeySet): Promise<JSONWebKeySet> {
  const deadline = Date.now() + 10_000;
  const known = new Set(before.keys.map(({ kid }) => kid));
  while (Date.now() < deadline) {
    const published = await publishedKeys(suite);
    if (published.keys.some(({ kid }) => !known.has(kid))) return published;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return before;
}

/** What knows no keys yet: whoever fetches them at first after the rotation. */
function newcomer(suite: Suite): Suite {
  const { registered } = suite.client;
  const keys = createRemoteJWKSet(new URL(String(suite.metadata['jwks_uri'])));
  return { ...suite, keys, client: new SuiteClient(suite.issuer, registered) };
}

const modules: Modules<'oidcc-dynamic-certification-test-plan'> = {
  'oidcc-server-rotate-keys': async (t, suite) => {
    await completeFlow(t, suite);
    const before = await publishedKeys(suite);
    checkKeys(t, before);
    const made = await rotateSigningKeys(suite.app.ctx, {});
    const after = await keysOtherThan(suite, before);
    checkKeys(t, after);
    const names = new Set(after.keys.map(({ kid }) => kid));
    for (const { kid } of made) t.ok(names.has(kid), 'the new key is there');
    for (const { kid } of before.keys) t.ok(names.has(kid), 'and so is the old one');
    t.equal(after.keys.length, before.keys.length + made.length);

    // beyond the module: whoever has the keys of before verifies what is signed until the new one takes over
    const isNew = ({ tokens }: Completed) => made.some(({ kid }) => kid === headerOf(tokens.id_token).kid);
    t.notOk(isNew(await completeFlow(t, suite)));
    await suite.later(2 * day, async () => {
      t.ok(isNew(await completeFlow(t, newcomer(suite))), 'and then it signs');
    });
  },
};

await runPlan(t, { name: 'oidcc-dynamic-certification-test-plan', modules });
