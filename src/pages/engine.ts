/** The pages that the protocol engine shows by itself: errors that must not reach a client, signing out, and going on. */
import { createHash } from 'node:crypto';
import { errorPage } from './error.ts';
import { html, type Html, trusted } from './html.ts';
import { page, type PageClient, type Page, renderPage } from './layout.ts';
import type { Look } from './look.ts';
import { texts } from './text/texts.ts';

const autoSubmit = `document.getElementById('op.logoutForm').requestSubmit(document.getElementById('sign-out'));`;
// one string: formatting between the tags would change the hash
const autoSubmitScript = trusted(`<script>${autoSubmit}</script>`);

interface Shown {
  readonly locale: string;
  readonly client?: PageClient | undefined;
}

/** What the engine is given to show; all of it text by then. */
export function createEngineHtml(look: Look) {
  const text = (shown: Page): string => renderPage(shown, look).toString();
  return {
    autoSubmitSource: `'sha256-${createHash('sha256').update(autoSubmit).digest('base64')}'`,

    error({ error, description, requestId, locale }: EngineProblem): string {
      const problem = ours[error] ?? { code: error, status: 400 };
      return text(errorPage({ ...problem, detail: description ?? error, instance: requestId }, locale));
    },

    signOut: (form: string, { confirmed, ...shown }: Shown & { confirmed: boolean }): string =>
      text(confirmed ? signingOutPage(form, shown) : signOutPage(form, shown)),

    signedOut: (shown: Shown & { startUrl: string | undefined }): string => text(signedOutPage(shown)),

    goOn: (markup: string, shown: Shown): string | undefined => {
      const found = goOnPage(markup, shown);
      return found && text(found);
    },
  };
}

/** The engine's words for what this service has a text for. */
const ours: Readonly<Record<string, { readonly code: string; readonly status: number }>> = {
  server_error: { code: 'internal_error', status: 500 },
  temporarily_unavailable: { code: 'unavailable', status: 503 },
};

interface EngineProblem {
  readonly error: string;
  readonly description: string | undefined;
  readonly requestId: string;
  readonly locale: string;
}

function submit(label: string): Html {
  return html`<button
    class="primary"
    type="submit"
    form="op.logoutForm"
    id="sign-out"
    name="logout"
    value="yes"
  >
    ${label}
  </button>`;
}

function signOutPage(form: string, { locale, client }: Shown): Page {
  const t = texts(locale);
  return page(
    { title: t.signOut, client, locale },
    html`${trusted(form)}
      <h1>${t.signOut}</h1>
      <p class="lead">${t.signOutLead}</p>
      ${submit(t.signOutYes)}
      <button class="secondary" type="submit" form="op.logoutForm" id="stay">${t.signOutNo}</button>`,
  );
}

/** A confirmed sign-out goes on by itself; where scripts are off, one button does it. */
function signingOutPage(form: string, { locale, client }: Shown): Page {
  const t = texts(locale);
  return page(
    { title: t.signingOut, client, locale },
    html`${trusted(form)}
      <h1>${t.signingOut}</h1>
      <p class="lead">${t.goingOnLead}</p>
      ${submit(t.continue)} ${autoSubmitScript}`,
  );
}

function signedOutPage({ locale, client, startUrl }: Shown & { startUrl: string | undefined }): Page {
  const t = texts(locale);
  const back =
    client &&
    startUrl &&
    html`<a class="button secondary" id="start" href="${startUrl}">${t.startAgain(client.name)}</a>`;
  return page(
    { title: t.signedOut, client, locale },
    html`<h1>${t.signedOut}</h1>
      <p class="lead">${t.signedOutLead}</p>
      ${back}`,
  );
}

/**
 * The engine's own page with a form that submits itself (another person's session ends before this one's begins; an
 * answer by `form_post`), in our look: its inputs and its script as they are, because the policy names the script's hash.
 */
function goOnPage(markup: string, { locale, client }: Shown): Page | undefined {
  const [, script] = /(<script>[^<]*<\/script>)/.exec(markup) ?? [];
  const [, form] = /(<form [^>]*>(?:\s*<input [^>]*>)*)\s*<noscript>/.exec(markup) ?? [];
  if (script === undefined || form === undefined) return undefined;
  const t = texts(locale);
  return page(
    { title: t.goingOn, client, locale },
    html`<h1>${t.goingOn}</h1>
      <p class="lead">${t.goingOnLead}</p>
      ${trusted(form)}<button class="primary" type="submit" id="continue">${t.continue}</button>
      ${trusted('</form>')}${trusted(script)}`,
  );
}
