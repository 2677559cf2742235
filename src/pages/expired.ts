import type { ExpiredStep } from '../core/sign-in/step.ts';
import { html, type Html } from './html.ts';
import { page } from './layout.ts';
import type { Texts } from './text/en.ts';

/** Back button, bookmark, double click: the way on is always to start again at the client. */
export function expiredPage({ client, start_url: startUrl }: ExpiredStep, t: Texts): Html {
  const start =
    client &&
    startUrl &&
    html`<a class="button primary" id="start" href="${startUrl}">${t.expiredStart(client.name)}</a>`;
  return page(
    { title: t.expired, brand: client?.name ?? 'Doorward' },
    html`<h1>${t.expired}</h1>
      <p>${t.expiredLead}</p>
      ${start || html`<p>${t.expiredHelp}</p>`}`,
  );
}
