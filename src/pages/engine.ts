/** The pages that the protocol engine shows by itself: errors that must not reach a client, and signing out. */
import { createHash } from 'node:crypto';
import { errorPage } from './error.ts';
import { html, trusted } from './html.ts';
import { page } from './layout.ts';
import { texts } from './text/texts.ts';

const autoSubmit = `document.getElementById('op.logoutForm').requestSubmit(document.getElementById('sign-out'));`;
// one string: formatting between the tags would change the hash
const autoSubmitScript = trusted(`<script>${autoSubmit}</script>`);
const t = texts('en');

interface Signing {
  readonly confirmed: boolean;
  readonly clientName: string | undefined;
}

export const engineHtml = {
  autoSubmitSource: `'sha256-${createHash('sha256').update(autoSubmit).digest('base64')}'`,

  error({
    error,
    description,
    requestId,
  }: {
    error: string;
    description: string | undefined;
    requestId: string;
  }): string {
    return errorPage({
      title: t.problem,
      detail: `${description ?? error} (${error})`,
      instance: requestId,
    }).toString();
  },

  /** A confirmed sign-out goes on by itself; where scripts are off, one button does it. */
  signOut(form: string, { confirmed, clientName }: Signing): string {
    const button = html`<button
      class="primary"
      type="submit"
      form="op.logoutForm"
      id="sign-out"
      name="logout"
      value="yes"
    >
      ${confirmed ? t.continue : t.signOutYes}
    </button>`;
    const content = confirmed
      ? html`<h1>${t.signingOut}</h1>
          ${button} ${autoSubmitScript}`
      : html`<h1>${t.signOut}</h1>
          <p class="lead">${t.signOutLead}</p>
          ${button}
          <button class="secondary" type="submit" form="op.logoutForm" id="stay">${t.signOutNo}</button>`;
    return page(
      { title: t.signOut, brand: clientName ?? 'Doorward' },
      html`${trusted(form)}${content}`,
    ).toString();
  },

  signedOut({
    clientName,
    startUrl,
  }: {
    clientName: string | undefined;
    startUrl: string | undefined;
  }): string {
    const back =
      clientName &&
      startUrl &&
      html`<a class="button secondary" href="${startUrl}">${t.startAgain(clientName)}</a>`;
    const content = html`<h1>${t.signedOut}</h1>
      <p class="lead">${t.signedOutLead}</p>
      ${back}`;
    return page({ title: t.signedOut, brand: clientName ?? 'Doorward' }, content).toString();
  },
};
