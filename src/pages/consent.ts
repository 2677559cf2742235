import type { Step } from '../core/sign-in/step.ts';
import { actionButton } from './action-form.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import type { Texts } from './text/en.ts';

export function consentPage(step: Extract<Step, { step: 'consent' }>, t: Texts): Page {
  const { client, actions, scopes, locale } = step;
  return page(
    { title: t.consent(client.name), client, locale },
    html`<h1>${t.consent(client.name)}</h1>
      <p>${t.consentLead(client.name)}</p>
      <ul class="scopes">
        ${scopes.map(({ text }) => html`<li>${text}</li>`)}
      </ul>
      <form method="post" action="${actions['consent']?.href}">
        <button class="primary" type="submit" name="granted" value="true" id="allow">
          ${t.consentAllow}
        </button>
        <button class="secondary" type="submit" name="granted" value="false" id="deny">
          ${t.consentDeny}
        </button>
      </form>
      ${actionButton(actions['restart'], { id: 'restart', label: t.otherPerson })}`,
  );
}
