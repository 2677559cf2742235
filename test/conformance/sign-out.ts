/** Signing out as a client's page asks for it, and the person's browser answers. */
import type { Test } from 'tap';
import type { Agent, Answer } from '../support/agent.ts';
import { formsOf } from '../support/company.ts';
import { checkError } from './checks.ts';
import type { Suite } from './suite.ts';

/** What is sent to the end session endpoint; `undefined` is not sent. */
export type SigningOut = Readonly<
  Partial<Record<'id_token_hint' | 'post_logout_redirect_uri' | 'state', string | undefined>>
>;

export interface SignedOut {
  /** What the endpoint answers at first. */
  readonly page: Answer;
  /** Where the person came by the button of that page; the page itself where it has none. */
  readonly end: Answer;
}

/** Goes there and presses the button, which a script does by itself where the hint says enough. */
export async function signOut(suite: Suite, browser: Agent, asked: SigningOut): Promise<SignedOut> {
  const url = new URL(String(suite.metadata['end_session_endpoint']));
  for (const [name, value] of Object.entries(asked))
    if (value !== undefined) url.searchParams.set(name, value);
  const page = await browser.follow(url.href);
  const form = formsOf(page).find(({ action }) => action.endsWith('/logout/confirm'));
  if (!form) return { page, end: page };
  const done = await browser.post(form.action, { form: { ...form.fields, logout: 'yes' } });
  const isOurs = done.location?.startsWith(`${suite.issuer}/`) === true;
  return { page, end: isOurs ? await browser.follow(done.location) : done };
}

/** The suite's proof of a sign-out: without the person there is no code any more. */
export async function checkSignedOut(t: Test, suite: Suite, browser: Agent): Promise<void> {
  const asked = await suite.client.ask({ prompt: 'none' });
  const { callback, signInPage } = await suite.client.authorize(browser, asked);
  t.equal(signInPage, undefined);
  const codes = ['login_required', 'interaction_required', 'account_selection_required', 'consent_required'];
  checkError(t, suite, { callback, state: asked.state, codes });
}

/** The session has not ended: nobody was led to anything by what was refused. */
export async function checkSignedIn(t: Test, suite: Suite, browser: Agent): Promise<void> {
  const asked = await suite.client.ask({ prompt: 'none' });
  t.ok((await suite.client.authorize(browser, asked)).callback?.params.has('code'), 'still signed in');
}
