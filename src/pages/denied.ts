import type { Step } from '../core/sign-in/step.ts';
import { actionButton, valuesOf } from './action-form.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import { caseNote } from './problem-summary.ts';
import type { Texts } from './text/en.ts';

/** Why somebody may not get in, and who can change that. */
export function deniedPage(step: Extract<Step, { step: 'denied' }>, t: Texts): Page {
  const { client, actions, remedies, locale } = step;
  return page(
    { title: step.title, client, locale, help: { about: step.case_id } },
    html`<h1>${step.title}</h1>
      <p>${step.text}</p>
      <h2>${t.remedies}</h2>
      <ul class="remedies">
        ${remedies.map(({ text, href }) => html`<li>${href ? html`<a href="${href}">${text}</a>` : text}</li>`)}
      </ul>
      ${step.seat_requested && html`<p class="note" role="status">${t.seatRequested}</p>`}
      ${step.activation_resent && html`<p class="note" role="status">${t.activationResent}</p>`}
      ${actionButton(actions['company'], { id: 'company', label: t.company, style: 'primary', hidden: valuesOf(actions['company']?.fields ?? []) })}
      ${actionButton(actions['resend_activation'], { id: 'resend-activation', label: t.resendActivation, style: 'primary' })}
      ${actionButton(actions['request_seat'], { id: 'request-seat', label: t.requestSeat, style: 'primary' })}
      ${actionButton(actions['restart'], { id: 'restart', label: t.otherPerson, style: 'secondary' })}
      ${actionButton(actions['abort'], { id: 'abort', label: t.abort(client.name) })}
      ${caseNote(step.case_id, step.code, t)}`,
  );
}
