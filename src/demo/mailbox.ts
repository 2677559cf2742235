/** The demo's mail server: whatever is sent lands in a list that anybody can read, newest first. */
import type { MailTransport, OutgoingMail } from '../mail/transport.ts';
import { html, type Html } from '../pages/html.ts';
import { page, type Page } from '../pages/layout.ts';

export interface DemoMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** RFC 3339 */
  readonly at: string;
}

export interface DemoMailbox extends MailTransport {
  /** Newest first. */
  list(): readonly DemoMail[];
}

const mostMails = 200;

/** In memory: links that have been read are worth nothing after a restart anyway. */
export function createDemoMailbox(): DemoMailbox {
  const mails: DemoMail[] = [];
  return {
    send({ to, subject, text, html: markup, at }: OutgoingMail) {
      mails.unshift({ to, subject, text, html: markup, at: at.toISOString() });
      mails.length = Math.min(mails.length, mostMails);
      return Promise.resolve();
    },
    list: () => mails,
    close() {
      mails.length = 0;
    },
  };
}

export function mailboxPage(mails: readonly DemoMail[]): Page {
  const content = html`<h1>Mailbox</h1>
    <p class="lead">Every mail the demo has sent since it was started. <a href="/">All of the demo</a></p>
    ${mails.length === 0 && html`<p>There is none yet.</p>`}
    ${mails.map(
      ({ to, subject, text, at }) =>
        html`<article class="mail">
          <h2>${subject}</h2>
          <p class="lead">To ${to}, ${at}</p>
          <pre>${withLinks(text)}</pre>
        </article>`,
    )}`;
  return page({ title: 'Mailbox', wide: true }, content);
}

/** Only addresses on the web become links: a mail must not be able to run anything here. */
function withLinks(text: string): (string | Html)[] {
  return text
    .split(/(https?:\/\/[^\s<>"]+)/)
    .map((part, index) => (index % 2 === 1 ? html`<a href="${part}">${part}</a>` : part));
}
