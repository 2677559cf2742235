import { html, type Html } from './html.ts';
import { stylesheet } from './styles.ts';

export interface PageOptions {
  readonly title: string;
  /** Whose page this is: the product, or the service itself. */
  readonly brand: string;
  readonly locale?: string;
  /** For pages with tables. */
  readonly wide?: boolean;
}

/** One column, one primary action. Works without a script, and nothing is loaded from anywhere else. */
export function page({ title, brand, locale = 'en', wide = false }: PageOptions, content: Html): Html {
  return html`<!doctype html>
    <html lang="${locale}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · ${brand}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${stylesheet.path}" />
      </head>
      <body>
        <main ${wide && html`class="wide"`}>
          <p class="brand">${door} <span>${brand}</span></p>
          ${content}
        </main>
      </body>
    </html> `;
}

const door = html`<svg
  viewBox="0 0 24 24"
  fill="none"
  stroke="currentColor"
  stroke-width="1.75"
  aria-hidden="true"
>
  <path d="M5 21V6.5A3.5 3.5 0 0 1 8.5 3h7A3.5 3.5 0 0 1 19 6.5V21" />
  <path d="M3 21h18" stroke-linecap="round" />
  <circle cx="14.75" cy="12.5" r="1.25" fill="currentColor" stroke="none" />
</svg>`;
