import type { Action, StepClient } from '../core/sign-in/step.ts';
import { hiddenFields } from './action-form.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import { problemSummary } from './problem-summary.ts';
import { texts } from './text/texts.ts';

export interface ForgotPasswordView {
  readonly step: 'forgot_password';
  readonly locale: string;
  readonly client: StepClient | null;
  readonly email: string | null;
  readonly problem: { readonly code: string } | null;
  readonly actions: { readonly request: Action };
}

/** Asks for the address. */
export function passwordResetRequestPage({
  locale,
  client,
  email,
  problem,
  actions,
}: ForgotPasswordView): Page {
  const t = texts(locale);
  const isInvalid = problem?.code === 'invalid_email';
  const message = problem && (isInvalid ? t.invalidEmail : t.resetExpired);
  return page(
    { title: problem ? `${t.problem}: ${t.resetTitle}` : t.resetTitle, client, locale },
    html`<h1>${t.resetTitle}</h1>
      <p class="lead">${t.resetLead}</p>
      ${message && problemSummary(message, 'email')}
      <form method="post" action="${actions.request.href}">
        ${hiddenFields(actions.request)}
        <label for="email">${t.email}</label>
        <input
          id="email"
          name="email"
          type="email"
          autocomplete="username"
          required
          maxlength="254"
          value="${email ?? ''}"
          autofocus
          ${isInvalid && html`aria-invalid="true" aria-describedby="problem"`}
        />
        <button class="primary" type="submit" id="send">${t.resetSend}</button>
      </form>`,
  );
}
