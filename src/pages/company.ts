import type { ShownProblem, Step } from '../core/sign-in/step.ts';
import { actionButton } from './action-form.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import { caseNote, problemSummary } from './problem-summary.ts';
import type { Texts } from './text/en.ts';
import { failureTitle } from './text/texts.ts';

/** My Company ID: only the address is asked for, because its domain says where the company signs in. */
export function companyPage(step: Extract<Step, { step: 'company' }>, t: Texts): Page {
  const { client, actions, problem, login_hint: email, locale } = step;
  const caseId = problem?.code === 'company_sign_in_failed' ? problem.case_id : undefined;
  return page(
    {
      title: problem ? `${t.problem}: ${t.company}` : t.company,
      ...{ client, locale, ...(caseId !== undefined && { help: { about: caseId } }) },
    },
    html`<h1>${t.company}</h1>
      <p class="lead">${t.companyLead}</p>
      ${problem && problemSummary(messageOf(problem, t), 'email')}
      <form method="post" action="${actions['company']?.href}">
        <label for="email">${t.email}</label>
        <input
          id="email"
          name="email"
          type="email"
          autocomplete="username"
          required
          maxlength="254"
          value="${email ?? ''}"
          autofocus
          ${problem?.fields?.['email'] !== undefined && html`aria-invalid="true" aria-describedby="problem"`}
        />
        <button class="primary" type="submit" id="go">${t.continue}</button>
      </form>
      ${actionButton(actions['restart'], { id: 'restart', label: t.companyOwnEmail })}
      ${actionButton(actions['abort'], { id: 'abort', label: t.abort(client.name) })}
      ${caseId !== undefined && caseNote(caseId, 'company_sign_in_failed', t)}`,
  );
}

function messageOf({ code, fields }: ShownProblem, t: Texts): string {
  if (fields?.['email'] !== undefined) return t.invalidEmail;
  if (code === 'company_sign_in_failed') return t.companyFailed;
  if (code === 'sso_required') return t.companyRequired;
  return code === 'throttled' ? t.companyThrottled : failureTitle(code, t);
}
