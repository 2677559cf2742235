import type { Action } from '../core/sign-in/step.ts';
import { hiddenFields } from './action-form.ts';
import { html, type Html } from './html.ts';
import type { Texts } from './text/en.ts';

/** A form of its own, folded away: the password that was typed above must not be sent along. */
export function forgotPassword(action: Action | undefined, email: string | null, t: Texts): Html | false {
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
