import type { ExpiredStep } from '../core/sign-in/step.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import { texts } from './text/texts.ts';

/** Back button, bookmark, double click: the way on is always to start again at the client. */
export function expiredPage({ client, start_url: startUrl }: ExpiredStep, locale: string): Page {
  const t = texts(locale);
  const start =
    client &&
    startUrl &&
    html`<a class="button primary" id="start" href="${startUrl}">${t.expiredStart(client.name)}</a>`;
  return page(
    { title: t.expired, client, locale, help: {} },
    html`<h1>${t.expired}</h1>
      <p>${t.expiredLead}</p>
      ${start || html`<p>${t.expiredHelp}</p>`}`,
  );
}
