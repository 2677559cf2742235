import type { Step } from '../core/sign-in/step.ts';
import { actionButton } from './action-form.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import type { Texts } from './text/en.ts';

export function chooseAccountPage(step: Extract<Step, { step: 'choose_account' }>, t: Texts): Page {
  const { client, actions, accounts, locale } = step;
  return page(
    { title: t.chooseAccount, client, locale },
    html`<h1>${t.chooseAccount}</h1>
      <p class="lead">${t.chooseAccountLead(client.name)}</p>
      <form method="post" action="${actions['account']?.href}">
        <ul class="choices">
          ${accounts.map(
            ({ id, name }) =>
              html`<li>
                <button class="secondary" type="submit" name="account" value="${id}">${name}</button>
              </li>`,
          )}
        </ul>
      </form>
      ${actionButton(actions['restart'], { id: 'restart', label: t.otherPerson })}
      ${actionButton(actions['abort'], { id: 'abort', label: t.abort(client.name) })}`,
  );
}
