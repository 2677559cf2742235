import type { Action, StepClient } from '../core/sign-in/step.ts';
import { hiddenFields } from './action-form.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import { problemSummary } from './problem-summary.ts';
import { texts } from './text/texts.ts';

export interface ResetMailSentView {
  readonly step: 'reset_mail_sent';
  readonly locale: string;
  readonly client: StepClient | null;
  /** What was typed; not whether it is somebody's. */
  readonly email: string;
  readonly sender: string;
  readonly resend_after: number;
  readonly problem: { readonly code: string } | null;
  readonly actions: { readonly code: Action; readonly resend: Action };
}

/** The same for every address: a mail is on its way if it is somebody's. Takes the code, and helps when none comes. */
export function passwordResetSentPage(view: ResetMailSentView): Page {
  const { locale, client, email, sender, problem, actions } = view;
  const t = texts(locale);
  const isWrong = problem?.code === 'wrong_code';
  return page(
    { title: isWrong ? `${t.problem}: ${t.resetSent}` : t.resetSent, client, locale },
    html`<h1>${t.resetSent}</h1>
      <p>${t.resetSentLead(email)}</p>
      ${isWrong && problemSummary(t.resetWrongCode, 'code')}
      ${problem?.code === 'too_soon' && html`<p class="note" role="status">${t.resetTooSoon}</p>`}
      <form method="post" action="${actions.code.href}">
        <label for="code">${t.resetCode}</label>
        <input
          id="code"
          name="code"
          type="text"
          inputmode="numeric"
          autocomplete="one-time-code"
          required
          maxlength="20"
          ${isWrong && html`aria-invalid="true" aria-describedby="problem" autofocus`}
        />
        <button class="primary" type="submit" id="check-code">${t.continue}</button>
      </form>
      <h2>${t.resetHelp}</h2>
      <ul class="remedies">
        <li>${t.resetHelpSpam}</li>
        <li>${t.resetHelpSender(sender)}</li>
        <li>${t.resetHelpAddress}</li>
        <li>${t.resetHelpResend}</li>
      </ul>
      <form method="post" action="${actions.resend.href}">
        <input type="hidden" name="email" value="${email}" />
        ${hiddenFields(actions.resend)}
        <button class="secondary" type="submit" id="resend">${t.resetResend}</button>
      </form>
      <p class="hint"><a id="other-address" href="/password-resets/request">${t.resetOtherAddress}</a></p>`,
  );
}
