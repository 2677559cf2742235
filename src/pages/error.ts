import { html, type Html } from './html.ts';
import { page } from './layout.ts';
import { texts } from './text/texts.ts';

export interface ShownProblem {
  readonly title: string;
  readonly detail?: string | undefined;
  /** The request's id: what support looks for. */
  readonly instance: string;
}

export function errorPage({ title, detail, instance }: ShownProblem): Html {
  const t = texts('en');
  return page(
    { title, brand: 'Doorward' },
    html`<h1>${title}</h1>
      ${detail && html`<p>${detail}</p>`}
      <p class="case" id="error">${t.requestId} <code>${instance.split(':').at(-1)}</code></p>`,
  );
}
