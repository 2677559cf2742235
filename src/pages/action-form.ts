import type { Action } from '../core/sign-in/step.ts';
import { html, type Html } from './html.ts';

export interface ButtonOptions {
  readonly id: string;
  readonly label: string;
  readonly style?: 'primary' | 'secondary' | 'quiet';
}

/** A form with nothing but a button. */
export function postButton(href: string, { id, label, style = 'quiet' }: ButtonOptions): Html {
  return html`<form method="post" action="${href}">
    <button class="${style}" type="submit" id="${id}">${label}</button>
  </form>`;
}

/** The button of an action that the step may or may not offer. */
export function actionButton(action: Action | undefined, options: ButtonOptions): Html | false {
  return action ? postButton(action.href, options) : false;
}
