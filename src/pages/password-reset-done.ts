import type { StepClient } from '../core/sign-in/step.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import { texts } from './text/texts.ts';

export interface PasswordChangedView {
  readonly step: 'password_changed';
  readonly locale: string;
  readonly client: StepClient | null;
  /** Where to sign in now, if that is known. */
  readonly location: string | null;
}

/** It is done, and nobody is signed in by it. */
export function passwordResetDonePage({ locale, client, location }: PasswordChangedView): Page {
  const t = texts(locale);
  const go = location && html`<a class="button primary" id="sign-in" href="${location}">${t.signIn}</a>`;
  return page(
    { title: t.resetDone, client, locale },
    html`<h1>${t.resetDone}</h1>
      <p>${t.resetDoneLead}</p>
      ${go || html`<p>${t.expiredHelp}</p>`}`,
  );
}
