import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import { caseNote } from './problem-summary.ts';
import { failureTitle, texts } from './text/texts.ts';

export interface ShownProblem {
  readonly code: string;
  readonly status: number;
  readonly detail?: string | undefined;
  /** The request's id: what support looks for. */
  readonly instance: string;
  /** The case, where there is one: what an account's administrators look for. */
  readonly case_id?: string | undefined;
}

/**
 * Says what happened in the person's language, and to whoever looks into it what the program would have been told.
 * `retryAt` is the page to try it again from, where there is one.
 */
export function errorPage(problem: ShownProblem, locale: string, retryAt?: string): Page {
  const { code, status, detail, instance, case_id: caseId } = problem;
  const t = texts(locale);
  const title = failureTitle(code, t);
  const requestId = instance.split(':').at(-1) ?? '';
  return page(
    { title, locale, help: { about: caseId ?? requestId } },
    html`<h1>${title}</h1>
      <p>${status >= 500 || status === 429 ? t.errorLater : t.errorBack}</p>
      ${retryAt !== undefined && html`<a class="button secondary" id="retry" href="${retryAt}">${t.tryAgain}</a>`}
      ${caseId !== undefined && caseNote(caseId, code, t)}
      <p class="case" id="error" data-code="${code}">
        ${t.requestId} <code>${requestId}</code>
        ${detail && html`<br /><code lang="en">${code}: ${detail}</code>`}
      </p>`,
  );
}
