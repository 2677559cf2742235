import type { Action, Field } from '../core/sign-in/step.ts';
import { html, type Html } from './html.ts';

export interface ButtonOptions {
  readonly id: string;
  readonly label: string;
  readonly style?: 'primary' | 'secondary' | 'quiet';
  /** What goes along unseen. */
  readonly hidden?: Readonly<Record<string, string>>;
}

/** A form with nothing but a button. */
export function postButton(href: string, { id, label, style = 'quiet', hidden = {} }: ButtonOptions): Html {
  return html`<form method="post" action="${href}">
    ${hiddenInputs(hidden)}
    <button class="${style}" type="submit" id="${id}">${label}</button>
  </form>`;
}

/** The button of an action that the step may or may not offer. */
export function actionButton(action: Action | undefined, options: ButtonOptions): Html | false {
  return action ? postButton(action.href, options) : false;
}

export function hiddenInputs(values: Readonly<Record<string, string>>): Html[] {
  return Object.entries(values).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  );
}

/** What an action wants to be sent along unseen: which sign-in to come back to. */
export function hiddenFields(action: Action): Html[] {
  return hiddenInputs(valuesOf(action.fields.filter(({ type }) => type === 'hidden')));
}

/** What an action knows already, for a button that asks for nothing. */
export function valuesOf(fields: readonly Field[]): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
}
