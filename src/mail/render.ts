/** A mail as it is sent: subject, text and HTML, in the language and with the brand it should have. */
import type { Config } from '../../config/load.ts';
import type { OwedMail } from '../core/outbox/outbox.ts';
import { textColorOn } from '../kernel/color.ts';
import { chooseLocale, type Locale } from '../kernel/locale.ts';
import { html } from '../pages/html.ts';
import { de } from './text/de.ts';
import { en } from './text/en.ts';
import { es } from './text/es.ts';
import { fr } from './text/fr.ts';
import { ja } from './text/ja.ts';
import type { MailText, MailTexts } from './text/mail-texts.ts';

const catalogues: Readonly<Record<Locale, MailTexts>> = { en, de, es, fr, ja };

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

type Content = Pick<OwedMail, 'template' | 'locale' | 'data' | 'secrets'>;

/**
 * Every link is made from the issuer alone, whatever request the mail goes back to, or is an application's own, as it is
 * registered. Undefined for a mail whose link or code was wiped: one that was dead, and brought back by hand.
 */
export function renderMail(config: Config, mail: Content): RenderedMail | undefined {
  if (isWorthless(mail)) return undefined;
  const locale = chooseLocale(mail.locale);
  const texts = catalogues[locale];
  const say = texts[mail.template] as (data: Content['data']) => MailText;
  const text = say(mail.data);
  const { supportUrl: url, supportEmail: email } = config.brand;
  const parts = {
    ...text,
    locale,
    href: linkOf(config, mail),
    code: mail.secrets && 'code' in mail.secrets ? mail.secrets.code : undefined,
    help: (url ?? email) ? texts.help({ url, email }) : undefined,
  };
  return {
    subject: oneLine(text.subject),
    text: plainPart(config, parts),
    html: htmlPart(config, parts),
  };
}

const openPaths: Partial<Record<OwedMail['template'], string>> = {
  password_reset: '/password-resets/open',
  invitation: '/invitations/open',
  seat_requested: '/seat-requests/open',
};

function isWorthless({ template, secrets }: Content): boolean {
  return (template in openPaths || template === 'link_code') && !secrets;
}

function linkOf({ issuer }: Config, { template, data, secrets }: Content): string | undefined {
  if ('url' in data) return data.url ?? undefined;
  const path = openPaths[template];
  if (path === undefined || !secrets || !('token' in secrets)) return undefined;
  return `${issuer}${path}?token=${encodeURIComponent(secrets.token)}`;
}

interface Parts extends MailText {
  readonly locale: Locale;
  readonly href: string | undefined;
  readonly code: string | undefined;
  readonly help: string | undefined;
}

function plainPart({ brand }: Config, parts: Parts): string {
  const { lines, button, href, codeLabel, code, after = [], help } = parts;
  return [
    ...lines,
    href && `${button}:\n${href}`,
    code && `${codeLabel}\n${code}`,
    ...after,
    help,
    `— ${brand.name}`,
  ]
    .filter((part) => part !== undefined)
    .join('\n\n')
    .concat('\n');
}

// styles stand in the elements: mail readers know nothing else
function htmlPart({ brand }: Config, parts: Parts): string {
  const { subject, locale, lines, button, href, codeLabel, code, after = [], help } = parts;
  const paragraph = 'margin:0 0 16px';
  const buttonStyle = `display:inline-block;padding:12px 24px;border-radius:8px;background:${brand.color};color:${textColorOn(brand.color)};text-decoration:none;font-weight:600`;
  return html`<!doctype html>
    <html lang="${locale}">
      <head>
        <meta charset="utf-8" />
        <meta name="color-scheme" content="light dark" />
        <title>${subject}</title>
      </head>
      <body style="margin:0;padding:32px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif">
        <div style="max-width:480px;margin:0 auto">
          <p style="margin:0 0 24px;font-weight:600">${brand.name}</p>
          ${lines.map((line) => html`<p style="${paragraph}">${line}</p>`)}
          ${href && html`<p style="margin:24px 0"><a href="${href}" style="${buttonStyle}">${button}</a></p>`}
          ${
            code &&
            html`<p style="${paragraph}">
              ${codeLabel}<br /><strong style="font-size:24px;letter-spacing:4px">${code}</strong>
            </p>`
          }
          ${after.map((line) => html`<p style="${paragraph}">${line}</p>`)}
          ${help && html`<p style="margin:32px 0 0;font-size:14px">${help}</p>`}
        </div>
      </body>
    </html> `.toString();
}

/** A line break in a name must not become a header of its own, and not by way of an encoded word (RFC 2047) either. */
function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll('=?', '= ?')
    .slice(0, 200);
}
