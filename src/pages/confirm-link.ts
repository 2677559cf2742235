import type { ExternalShown, Step } from '../core/sign-in/step.ts';
import { actionButton, valuesOf } from './action-form.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import { providerName } from './social.ts';
import type { Texts } from './text/en.ts';

/** Both sides by their names, so that nobody joins what a stranger has left in their browser (login CSRF). */
export function confirmLinkPage(step: Extract<Step, { step: 'confirm_link' }>, t: Texts): Page {
  const { client, actions, external, user, locale } = step;
  const provider = providerName(external.provider);
  const title = t.linkConfirm(provider);
  const { link } = actions;
  return page(
    { title, client, locale },
    html`<h1>${title}</h1>
      <dl class="pair">
        <dt>${t.linkExternal(provider)}</dt>
        <dd>${namesOf(external).map((name) => html`<span>${name}</span>`)}</dd>
        <dt>${t.linkOwn}</dt>
        <dd><span>${user.email}</span></dd>
      </dl>
      <p>${t.linkConfirmLead(provider)}</p>
      ${actionButton(link, { id: 'link', label: t.linkDo, style: 'primary', hidden: valuesOf(link?.fields ?? []) })}
      ${actionButton(actions['restart'], { id: 'restart', label: t.linkDoNot, style: 'secondary' })}
      ${actionButton(actions['abort'], { id: 'abort', label: t.abort(client.name) })}`,
  );
}

/** What the provider has told of it; if nothing, the provider itself is all there is to say. */
function namesOf({ provider, name, email }: ExternalShown): string[] {
  const told = [name, email].filter((text) => text !== null);
  return told.length > 0 ? told : [providerName(provider)];
}
