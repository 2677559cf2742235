/** Basic and Form Post: when the person is asked, when not, and what the ID token says of it. */
import { sql } from 'kysely';
import { checkError } from './checks.ts';
import { completeFlow, completeSilently } from './flow.ts';
import type { Module, Suite } from './suite.ts';

/** What a server may answer that would have to show something and may not. */
const needsPerson = [
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
];

const promptLogin: Module = async (t, suite) => {
  const browser = suite.browser();
  const first = await completeFlow(t, suite, { browser });
  await suite.later(2, async () => {
    const second = await completeFlow(t, suite, { browser, asking: { prompt: 'login' } });
    t.ok(second.arrival.signInPage, 'the person is asked again');
    t.equal(second.claims.sub, first.claims.sub);
    t.ok(Number(second.claims['auth_time']) > Number(first.claims['auth_time']));
  });
};

const promptNoneNotLoggedIn: Module = async (t, suite) => {
  // a long state, to see that an error does not cut it
  const asked = await suite.client.ask({ prompt: 'none', state: 'a1B2'.repeat(32) });
  const { callback, signInPage } = await suite.client.authorize(suite.browser(), asked);
  t.equal(signInPage, undefined);
  checkError(t, suite, { callback, state: asked.state, codes: needsPerson });
};

const promptNoneLoggedIn: Module = async (t, suite) =>
  completeSilently(t, suite, { second: () => ({ prompt: 'none' }) });

const maxAge1: Module = async (t, suite) => {
  const browser = suite.browser();
  const first = await completeFlow(t, suite, { browser });
  await signedInEarlier(suite, { sub: first.claims.sub, seconds: 2 });
  await suite.later(2, async () => {
    const { arrival, claims } = await completeFlow(t, suite, {
      browser,
      asking: { max_age: '1' },
      checks: { maxAge: 1 },
    });
    t.ok(arrival.signInPage, 'the person is asked again');
    t.equal(claims.sub, first.claims.sub);
    t.ok(Number(claims['auth_time']) > Number(first.claims['auth_time']));
  });
};

/** The engine counts the age of a session by the process's clock, which a test cannot move: the session is made older. */
async function signedInEarlier(
  { app }: Suite,
  { sub, seconds }: { readonly sub: string | undefined; readonly seconds: number },
): Promise<void> {
  await sql`
    update sessions
       set payload = jsonb_set(payload, '{loginTs}', to_jsonb((payload->>'loginTs')::int - ${seconds}::int))
     where user_id = ${sub}`.execute(app.ctx.db);
}

const maxAge10000: Module = async (t, suite) =>
  completeSilently(t, suite, { first: { max_age: '15000' }, second: () => ({ max_age: '10000' }) });

const idTokenHint: Module = async (t, suite) =>
  completeSilently(t, suite, {
    second: ({ tokens }) => ({ prompt: 'none', id_token_hint: tokens.id_token ?? '' }),
  });

export const signInModules = {
  'oidcc-prompt-login': promptLogin,
  'oidcc-prompt-none-not-logged-in': promptNoneNotLoggedIn,
  'oidcc-prompt-none-logged-in': promptNoneLoggedIn,
  'oidcc-max-age-1': maxAge1,
  'oidcc-max-age-10000': maxAge10000,
  'oidcc-id-token-hint': idTokenHint,
} satisfies Readonly<Record<string, Module>>;
