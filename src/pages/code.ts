import type { ShownProblem, Step } from '../core/sign-in/step.ts';
import { actionButton, valuesOf } from './action-form.ts';
import { html, type Html } from './html.ts';
import { page, type Page } from './layout.ts';
import { problemSummary } from './problem-summary.ts';
import { providerName } from './social.ts';
import type { Texts } from './text/en.ts';
import { failureTitle } from './text/texts.ts';

type CodeStep = Extract<Step, { step: 'code' }>;

/**
 * The mailbox is to be proven, by a code that is typed in the browser that started: a link could be followed by the wrong
 * person. First the address is asked for, where it is not known.
 */
export function codePage(step: CodeStep, t: Texts): Page {
  const { client, actions, problem, sent_to: sentTo, external, locale } = step;
  const provider = providerName(external.provider);
  const title = sentTo === null ? t.codeAddress : t.resetSent;
  const lead = sentTo === null ? t.codeAddressLead(provider) : t.codeLead(provider, sentTo);
  return page(
    { title: problem ? `${t.problem}: ${title}` : title, client, locale },
    html`<h1>${title}</h1>
      <p class="lead">${lead}</p>
      ${problem && problemSummary(messageOf(problem, t), sentTo === null ? 'email' : 'code')}
      <form method="post" action="${actions['code']?.href}">
        ${sentTo === null ? addressField(problem, t) : codeField(problem, t)}
        <button class="primary" type="submit" id="go">${sentTo === null ? t.codeSend : t.continue}</button>
      </form>
      ${sentTo !== null && noMail(step, t)}
      ${actionButton(actions['restart'], { id: 'restart', label: t.linkOtherWay })}
      ${actionButton(actions['abort'], { id: 'abort', label: t.abort(client.name) })}`,
  );
}

function messageOf({ code, fields, retry_after: seconds = 60 }: ShownProblem, t: Texts): string {
  if (fields?.['email'] !== undefined) return t.invalidEmail;
  if (fields?.['code'] !== undefined) return t.codeWrong;
  return code === 'throttled' ? t.codeThrottled(Math.ceil(seconds / 60)) : failureTitle(code, t);
}

function addressField(problem: ShownProblem | null, t: Texts): Html {
  return html`<label for="email">${t.email}</label>
    <input
      id="email"
      name="email"
      type="email"
      autocomplete="email"
      required
      maxlength="254"
      autofocus
      ${problem?.fields?.['email'] !== undefined && invalid}
    />`;
}

function codeField(problem: ShownProblem | null, t: Texts): Html {
  return html`<label for="code">${t.resetCode}</label>
    <input
      id="code"
      name="code"
      type="text"
      inputmode="numeric"
      autocomplete="one-time-code"
      required
      maxlength="20"
      autofocus
      ${problem?.fields?.['code'] !== undefined && invalid}
    />`;
}

const invalid = html`aria-invalid="true" aria-describedby="problem"`;

function noMail({ actions }: CodeStep, t: Texts): Html {
  const resend = actions['resend_code'];
  const hidden = valuesOf(resend?.fields ?? []);
  return html`<h2>${t.resetHelp}</h2>
    <ul class="remedies">
      <li>${t.resetHelpSpam}</li>
      <li>${t.resetHelpResend}</li>
    </ul>
    ${actionButton(resend, { id: 'resend', label: t.resetResend, style: 'secondary', hidden })}`;
}
