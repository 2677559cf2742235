import type { Action, ShownProblem, Step } from '../core/sign-in/step.ts';
import { actionButton, hiddenFields } from './action-form.ts';
import { html, type Html } from './html.ts';
import { page, type Page } from './layout.ts';
import { problemSummary } from './problem-summary.ts';
import type { Texts } from './text/en.ts';

type Identify = Extract<Step, { step: 'identify' }>;

export function identifyPage(step: Identify, t: Texts): Page {
  const { client, actions, problem, remembered, login_hint: email, locale } = step;
  const complaint = problem && complaintOf(problem, t);
  const suggestion = suggestCompany(step, t);
  const isMain = !suggestion && (!remembered || problem);
  return page(
    { title: problem ? `${t.problem}: ${t.signIn}` : t.signIn, client, locale },
    html`<h1>${t.signIn}</h1>
      <p class="lead">${t.signInTo(client.name)}</p>
      ${complaint && problemSummary(complaint.message, complaint.at, suggestion)}
      ${rememberedCompany(step, t)}
      ${passwordForm(step, { complaint, style: isMain ? 'primary' : 'secondary' }, t)}
      ${!suggestion && actionButton(actions['company'], { id: 'company', label: t.company, style: 'secondary' })}
      ${forgotPassword(actions['forgot_password'], email, t)}
      ${actionButton(actions['abort'], { id: 'abort', label: t.abort(client.name) })} `,
  );
}

interface Complaint {
  readonly message: string;
  /** Where it can be mended. */
  readonly at: 'email' | 'password' | 'company';
  /** What was wrong with what was typed. */
  readonly wrong: readonly ('email' | 'password')[];
}

function complaintOf({ code, fields }: ShownProblem, t: Texts): Complaint {
  if (fields?.['email'] !== undefined) return { message: t.invalidEmail, at: 'email', wrong: ['email'] };
  if (code === 'another_proof_needed') return { message: t.companyAnother, at: 'email', wrong: [] };
  if (code === 'company_not_found') return { message: t.companyNotFound, at: 'password', wrong: [] };
  if (code === 'sso_required') return { message: t.companyRequired, at: 'company', wrong: [] };
  const message = code === 'throttled' ? t.throttled : t.invalidCredentials;
  return { message, at: 'password', wrong: ['email', 'password'] };
}

/** The domain of the typed address has a company sign-in: one press leads there, the address goes along. */
function suggestCompany({ actions, problem, login_hint: email }: Identify, t: Texts): Html | false {
  const isRequired = problem?.code === 'sso_required';
  if (!email || !(isRequired || problem?.company_sign_in)) return false;
  return html`${!isRequired && html`<p>${t.companySuggested}</p>`}
  ${actionButton(actions['company'], { id: 'company', label: t.company, style: 'primary', hidden: { email } })}`;
}

/** The company by which this browser came before, one press away. */
function rememberedCompany({ actions, problem, remembered }: Identify, t: Texts): Html | false {
  if (!remembered) return false;
  const label = t.companyContinue(remembered.label);
  const hidden = { connection: remembered.id };
  const style = problem ? 'secondary' : 'primary';
  return html`${actionButton(actions['company'], { id: 'remembered', label, style, hidden })}
    <p class="or">${t.or}</p>`;
}

interface FormOptions {
  readonly complaint: Complaint | null;
  readonly style: 'primary' | 'secondary';
}

function passwordForm(step: Identify, { complaint, style }: FormOptions, t: Texts): Html {
  const { actions, login_hint: email } = step;
  const invalid = (name: 'email' | 'password'): Html | false =>
    complaint?.wrong.includes(name) === true && html`aria-invalid="true" aria-describedby="problem"`;
  const first = firstField(step, complaint);
  const focus = (name: 'email' | 'password'): Html | false => first === name && html`autofocus`;
  return html`<form method="post" action="${actions['password']?.href}">
    <label for="email">${t.email}</label>
    <input
      id="email"
      name="email"
      type="email"
      autocomplete="username"
      required
      maxlength="254"
      value="${email ?? ''}"
      ${invalid('email')}
      ${focus('email')}
    />
    <label for="password">${t.password}</label>
    <input
      id="password"
      name="password"
      type="password"
      autocomplete="current-password"
      required
      ${invalid('password')}
      ${focus('password')}
    />
    <button class="${style}" type="submit" id="sign-in">${t.signIn}</button>
  </form>`;
}

/** Where the person begins to type; nowhere, where the first press of a key is for the button of a company. */
function firstField({ login_hint: email, remembered }: Identify, complaint: Complaint | null) {
  if (complaint ? complaint.at === 'company' : remembered) return undefined;
  return email && complaint?.at !== 'email' ? 'password' : 'email';
}

/** A form of its own, folded away: the password that was typed above must not be sent along. */
function forgotPassword(action: Action | undefined, email: string | null, t: Texts): Html | false {
  if (!action) return false;
  return html`<details id="forgot">
    <summary>${t.forgotPassword}</summary>
    <form method="post" action="${action.href}">
      ${hiddenFields(action)}
      <label for="forgot-email">${t.email}</label>
      <input
        id="forgot-email"
        name="email"
        type="email"
        autocomplete="email"
        required
        maxlength="254"
        value="${email ?? ''}"
      />
      <button class="secondary" type="submit" id="forgot-send">${t.forgotPasswordSend}</button>
    </form>
  </details>`;
}
