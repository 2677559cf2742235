import { html, type Html } from './html.ts';
import { imageOrigin, type Look } from './look.ts';
import { texts } from './text/texts.ts';

/** The client a page belongs to. */
export interface PageClient {
  readonly name: string;
  readonly product?: { readonly name: string } | null;
  readonly logo_uri?: string | null;
  readonly first_party?: boolean;
}

export interface PageOptions {
  readonly title: string;
  readonly client?: PageClient | null | undefined;
  readonly locale?: string;
  /** For pages with tables. */
  readonly wide?: boolean;
  /** For pages that say no: where to find help, and the number to name there. */
  readonly help?: { readonly about?: string };
}

/** A page as far as it is the same in every deployment; what it looks like comes with its rendering. */
export interface Page extends PageOptions {
  readonly locale: string;
  readonly content: Html;
}

export function page(options: PageOptions, content: Html): Page {
  return { locale: 'en', ...options, content };
}

/** One column, one primary action. Works without a script, and nothing is loaded from anywhere else but the logo. */
export function renderPage(page: Page, look: Look): Html {
  const { title, locale, wide = false, content } = page;
  const name = ownClient(page)?.product?.name ?? ownClient(page)?.name ?? look.name;
  const logo = logoOf(page, look);
  return html`<!doctype html>
    <html lang="${locale}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · ${name}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${look.stylesheet.path}" />
      </head>
      <body>
        <main ${wide && html`class="wide"`}>
          <p class="brand">
            ${logo ? html`<img src="${logo}" alt="" height="32" />` : door}
            <span>${name}</span>
          </p>
          ${content} ${helpOf(page, look)}
        </main>
      </body>
    </html> `;
}

/** Somebody else's client is named by its page, but the page itself is ours: no client may look like its host. */
function ownClient({ client }: PageOptions): PageClient | undefined {
  return client && client.first_party !== false ? client : undefined;
}

/** What is shown before the name: an image that can be allowed, or our door. */
export function logoOf(page: PageOptions, look: Pick<Look, 'logoUrl'>): string | undefined {
  const logos = [ownClient(page)?.logo_uri, look.logoUrl];
  return logos.find((url) => imageOrigin(url) !== undefined) ?? undefined;
}

function helpOf({ help, locale }: Page, { supportUrl, supportEmail }: Look): Html | false {
  if (!help || !(supportUrl ?? supportEmail)) return false;
  const t = texts(locale);
  const subject = help.about === undefined ? '' : `?subject=${encodeURIComponent(help.about)}`;
  return html`<p class="help" id="help">
    ${t.help} ${supportUrl && html`<a href="${supportUrl}">${t.helpPage}</a>`}
    ${supportEmail && html`<a href="mailto:${supportEmail}${subject}">${supportEmail}</a>`}
  </p>`;
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
