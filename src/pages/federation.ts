/** Pages on the way to an identity provider and back, outside of any step. */
import { hiddenInputs } from './action-form.ts';
import { html, type Html } from './html.ts';
import { page, type Page } from './layout.ts';
import { caseNote } from './problem-summary.ts';
import type { Texts } from './text/en.ts';
import { texts } from './text/texts.ts';

export interface DepartureForm {
  /** The identity provider's address. */
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly label: string;
}

/**
 * The request as a form that the person sends on themself: no script, so the policy of the page needs no exception.
 *
 * @see SAML 2.0 bindings §3.5.4
 */
export function departurePage({ action, fields, label }: DepartureForm, locale: string): Page {
  const t = texts(locale);
  return page(
    { title: t.companyDepart(label), locale },
    html`<h1>${t.company}</h1>
      <p class="lead">${t.companyDepartLead}</p>
      <form method="post" action="${action}">
        ${hiddenInputs(fields)}
        <button class="primary" type="submit" id="continue" autofocus>${t.companyDepart(label)}</button>
      </form>`,
  );
}

export interface TestResult {
  readonly label: string;
  /** Why it was refused; undefined when it passed. */
  readonly code?: string | undefined;
  readonly caseId: string;
  /** Who came back, as far as it could be believed. */
  readonly identity?: Asserted | undefined;
  /** What the mapping makes of it, by field. */
  readonly mapped?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
}

export interface Asserted {
  readonly issuer: string;
  readonly subject: string;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

/** What an administrator learns from trying a connection out. The only page that shows a reason. */
export function testResultPage({ label, code, caseId, identity, mapped }: TestResult, locale: string): Page {
  const t = texts(locale);
  const title = code === undefined ? t.testPassed : t.testRefused;
  const rows = identity ? assertedRows(identity, t) : [];
  return page(
    { title, locale, wide: true },
    html`<h1>${title}</h1>
      <p class="lead">${t.testLead(label)}</p>
      ${code !== undefined && html`<p class="note">${t.testCode}: <code>${code}</code><br />${t.testCodeHelp}</p>`}
      <h2>${t.testAsserted}</h2>
      ${rows.length > 0 ? table(rows, t) : html`<p>${t.testNothing}</p>`}
      ${
        mapped &&
        html`<h2>${t.testMapped}</h2>
          ${table(mappedRows(mapped), t)}`
      }
      ${code !== undefined && caseNote(caseId, code, t)}`,
  );
}

type Row = readonly [name: Html | string, values: readonly string[]];

function assertedRows({ issuer, subject, attributes }: Asserted, t: Texts): Row[] {
  return [[t.testIssuer, [issuer]], [t.testSubject, [subject]], ...namedRows(Object.entries(attributes))];
}

function mappedRows(mapped: NonNullable<TestResult['mapped']>): Row[] {
  return namedRows(
    Object.entries(mapped).flatMap(([name, value]) => (value === undefined ? [] : [[name, [value].flat()]])),
  );
}

function namedRows(entries: [name: string, values: readonly string[]][]): Row[] {
  return entries.map(([name, values]) => [html`<code>${name}</code>`, values]);
}

function table(rows: readonly Row[], t: Texts): Html {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">${t.testName}</th>
        <th scope="col">${t.testValue}</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([name, values]) =>
          html`<tr>
            <td>${name}</td>
            <td>${values.map((value, index) => html`${index > 0 && html`<br />`}${value}`)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
