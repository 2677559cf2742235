import type { Step } from '../core/sign-in/step.ts';
import { actionButton } from './action-form.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import type { Texts } from './text/en.ts';

/** A company with several identity providers: only its people know which is theirs. */
export function chooseConnectionPage(step: Extract<Step, { step: 'choose_connection' }>, t: Texts): Page {
  const { client, actions, connections, locale } = step;
  return page(
    { title: t.companyChoose, client, locale },
    html`<h1>${t.companyChoose}</h1>
      <p class="lead">${t.companyChooseLead}</p>
      <form method="post" action="${actions['company']?.href}">
        <ul class="choices">
          ${connections.map(
            ({ id, label }) =>
              html`<li>
                <button class="secondary" type="submit" name="connection" value="${id}">${label}</button>
              </li>`,
          )}
        </ul>
      </form>
      ${actionButton(actions['restart'], { id: 'restart', label: t.companyOwnEmail })}
      ${actionButton(actions['abort'], { id: 'abort', label: t.abort(client.name) })}`,
  );
}
