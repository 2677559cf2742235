import type { ShownProblem, Step } from '../core/sign-in/step.ts';
import { actionButton } from './action-form.ts';
import { forgotPassword } from './forgot-password.ts';
import { html, type Html } from './html.ts';
import { page, type Page } from './layout.ts';
import { caseNote, problemSummary } from './problem-summary.ts';
import { socialButtons } from './social.ts';
import type { Texts } from './text/en.ts';
import { failureTitle } from './text/texts.ts';

type Identify = Extract<Step, { step: 'identify' }>;

export function identifyPage(step: Identify, t: Texts): Page {
  const { client, actions, problem, remembered, login_hint: email, locale } = step;
  const complaint = problem && complaintOf(problem, t);
  const suggestion = suggestCompany(step, t);
  const isMain = !suggestion && (!remembered || problem);
  const caseId = problem && ofProvider.has(problem.code) ? problem.case_id : undefined;
  return page(
    {
      title: problem ? `${t.problem}: ${t.signIn}` : t.signIn,
      ...{ client, locale, ...(caseId !== undefined && { help: { about: caseId } }) },
    },
    html`<h1>${t.signIn}</h1>
      <p class="lead">${t.signInTo(client.name)}</p>
      ${complaint && problemSummary(complaint.message, complaint.at, suggestion)}
      ${rememberedCompany(step, t)}
      ${passwordForm(step, { complaint, style: isMain ? 'primary' : 'secondary' }, t)}
      ${!suggestion && actionButton(actions['company'], { id: 'company', label: t.company, style: 'secondary' })}
      ${forgotPassword(actions['forgot_password'], email, t)} ${socialButtons(actions['social'], t)}
      ${actionButton(actions['abort'], { id: 'abort', label: t.abort(client.name) })}
      ${problem && caseId !== undefined && caseNote(caseId, problem.code, t)}`,
  );
}

/** Nobody types anything that could be mended: what helps is the number of the case. */
const ofProvider: ReadonlySet<string> = new Set(['social_sign_in_failed', 'identity_unknown']);

interface Complaint {
  readonly message: string;
  /** Where it can be mended. */
  readonly at: 'email' | 'password' | 'company' | 'social';
  /** What was wrong with what was typed. */
  readonly wrong: readonly ('email' | 'password')[];
}

function complaintOf({ code, fields }: ShownProblem, t: Texts): Complaint {
  if (fields?.['email'] !== undefined) return { message: t.invalidEmail, at: 'email', wrong: ['email'] };
  const known = complaints(t).get(code);
  if (known) return { message: known[0], at: known[1], wrong: [] };
  const message = code === 'throttled' ? t.throttled : t.invalidCredentials;
  return { message, at: 'password', wrong: ['email', 'password'] };
}

/** What went wrong elsewhere than in the fields. */
function complaints(t: Texts): ReadonlyMap<string, readonly [message: string, at: Complaint['at']]> {
  return new Map([
    ['another_proof_needed', [t.companyAnother, 'email']],
    ['company_not_found', [t.companyNotFound, 'password']],
    ['sso_required', [t.companyRequired, 'company']],
    ['social_sign_in_failed', [t.socialFailed, 'social']],
    ['identity_unknown', [t.identityUnknown, 'email']],
    ['identity_taken', [t.identityTaken, 'email']],
    ['link_mismatch', [failureTitle('link_mismatch', t), 'email']],
  ]);
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
  const label = t.continueWith(remembered.label);
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

/** Where the person begins to type; nowhere, where the first press of a key is for a button. */
function firstField({ login_hint: email, remembered }: Identify, complaint: Complaint | null) {
  const isForButton = complaint?.at === 'company' || complaint?.at === 'social';
  if (complaint ? isForButton : remembered) return undefined;
  return email && complaint?.at !== 'email' ? 'password' : 'email';
}
