/** How it ended when somebody who is signed in wanted to link another identity. */
import type { StepClient } from '../core/sign-in/step.ts';
import { html, type Html } from './html.ts';
import { page, type Page } from './layout.ts';
import { caseNote } from './problem-summary.ts';
import { providerName } from './social.ts';
import type { Texts } from './text/en.ts';
import { failureTitle, texts } from './text/texts.ts';

interface Ended {
  readonly locale: string;
  readonly client: StepClient | null;
  readonly provider: string;
  /** Where the client begins, if that is known. */
  readonly location: string | null;
}

export interface IdentityLinkedView extends Ended {
  readonly step: 'identity_linked';
}

export function identityLinkedPage(view: IdentityLinkedView): Page {
  const { locale, client, provider } = view;
  const t = texts(locale);
  const title = t.linkDone(providerName(provider));
  return page(
    { title, client, locale },
    html`<h1>${title}</h1>
      <p>${t.linkDoneLead(providerName(provider))}</p>
      ${wayBack(view, t)}`,
  );
}

export interface IdentityNotLinkedView extends Ended {
  readonly code: string;
  readonly caseId: string | undefined;
}

export function identityNotLinkedPage(view: IdentityNotLinkedView): Page {
  const { locale, client, provider, code, caseId } = view;
  const t = texts(locale);
  const title = failureTitle(code, t);
  return page(
    { title, client, locale, help: caseId === undefined ? {} : { about: caseId } },
    html`<h1>${title}</h1>
      <p id="error" data-code="${code}">${t.linkNotDone(providerName(provider))}</p>
      ${wayBack(view, t)} ${caseId !== undefined && caseNote(caseId, code, t)}`,
  );
}

function wayBack({ client, location }: Ended, t: Texts): Html {
  if (!client || location === null) return html`<p>${t.errorBack}</p>`;
  return html`<a class="button primary" id="back" href="${location}">${t.startAgain(client.name)}</a>`;
}
