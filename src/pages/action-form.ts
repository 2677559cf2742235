import type { Action } from '../core/sign-in/step.ts';
import { html, type Html } from './html.ts';

/** A form with nothing but a button, for an action that the step may or may not offer. */
export function actionButton(
  action: Action | undefined,
  name: string,
  label: string,
  style = 'quiet',
): Html | false {
  if (!action) return false;
  return html`<form method="post" action="${action.href}">
    <button class="${style}" type="submit" id="${name}">${label}</button>
  </form>`;
}
