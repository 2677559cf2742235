import type { Action, Step } from '../core/sign-in/step.ts';
import { actionButton } from './action-form.ts';
import { html, type Html } from './html.ts';
import { page, type Page } from './layout.ts';
import { hiddenFields } from './password-reset-request.ts';
import { problemSummary } from './problem-summary.ts';
import type { Texts } from './text/en.ts';

export function identifyPage(step: Extract<Step, { step: 'identify' }>, t: Texts): Page {
  const { client, actions, problem, login_hint: email, locale } = step;
  const emailProblem = problem?.fields?.['email'] !== undefined;
  const passwordProblem = problem?.code === 'throttled' ? t.throttled : t.invalidCredentials;
  const message = problem && (emailProblem ? t.invalidEmail : passwordProblem);
  const startsAtPassword = Boolean(email) && !emailProblem;
  return page(
    { title: problem ? `${t.problem}: ${t.signIn}` : t.signIn, client, locale },
    html`<h1>${t.signIn}</h1>
      <p class="lead">${t.signInTo(client.name)}</p>
      ${message && problemSummary(message, emailProblem ? 'email' : 'password')}
      <form method="post" action="${actions['password']?.href}">
        <label for="email">${t.email}</label>
        <input
          id="email"
          name="email"
          type="email"
          autocomplete="username"
          required
          maxlength="254"
          value="${email ?? ''}"
          ${problem && html`aria-invalid="true" aria-describedby="problem"`}
          ${!startsAtPassword && html`autofocus`}
        />
        <label for="password">${t.password}</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          ${problem && !emailProblem && html`aria-invalid="true" aria-describedby="problem"`}
          ${startsAtPassword && html`autofocus`}
        />
        <button class="primary" type="submit" id="sign-in">${t.signIn}</button>
      </form>
      ${forgotPassword(actions['forgot_password'], email, t)}
      ${actionButton(actions['abort'], { id: 'abort', label: t.abort(client.name) })}`,
  );
}

/** A form of its own, folded away: the password that was typed above must not be sent along. */
function forgotPassword(action: Action | undefined, email: string | null, t: Texts): Html | false {
  if (!action) return false;
  return html`<details id="forgot">
    <summary>${t.forgotPassword}</summary>
    <form method="post" action="${action.href}">
      ${hiddenFields(action)}
      <label for="forgot-email">${t.email}</label>
      <input
        id="forgot-email"
        name="email"
        type="email"
        autocomplete="email"
        required
        maxlength="254"
        value="${email ?? ''}"
      />
      <button class="secondary" type="submit" id="forgot-send">${t.forgotPasswordSend}</button>
    </form>
  </details>`;
}
