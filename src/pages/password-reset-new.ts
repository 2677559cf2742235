import type { Action, ShownProblem, StepClient } from '../core/sign-in/step.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import { passwordProblem, problemSummary } from './problem-summary.ts';
import { texts } from './text/texts.ts';

export interface NewPasswordView {
  readonly step: 'new_password';
  readonly locale: string;
  readonly client: StepClient | null;
  readonly email: string;
  readonly problem: ShownProblem | null;
  readonly actions: { readonly complete: Action };
}

/** Asks for the new password. The address stands there so that the person, and a password manager, knows whose it is. */
export function passwordResetNewPage({ locale, client, email, problem, actions }: NewPasswordView): Page {
  const t = texts(locale);
  const title = problem ? `${t.problem}: ${t.resetNew}` : t.resetNew;
  return page(
    { title, client, locale },
    html`<h1>${t.resetNew}</h1>
      <p class="lead">${t.resetNewLead(email)}</p>
      ${problem && problemSummary(passwordProblem(problem.fields?.['password'], t), 'password')}
      <form method="post" action="${actions.complete.href}">
        <input type="email" name="username" autocomplete="username" value="${email}" readonly hidden />
        <label for="password">${t.resetNewPassword}</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="new-password"
          required
          maxlength="1024"
          autofocus
          aria-describedby="${problem && 'problem '}password-rules"
          ${problem && html`aria-invalid="true"`}
        />
        <p class="hint" id="password-rules">${t.resetRules}</p>
        <button class="primary" type="submit" id="set-password">${t.resetSet}</button>
      </form>`,
  );
}

/** A link that was used, is too old, or never was one. */
export function passwordResetExpiredPage(view: {
  readonly locale: string;
  readonly client: StepClient | null;
}): Page {
  const t = texts(view.locale);
  return page(
    { title: t.resetExpired, client: view.client, locale: view.locale },
    html`<h1>${t.resetExpired}</h1>
      <p>${t.resetExpiredLead}</p>
      <a class="button primary" id="ask-again" href="/password-resets/request">${t.resetAskAgain}</a>`,
  );
}
