import type { ShownProblem, Step } from '../core/sign-in/step.ts';
import { actionButton, valuesOf } from './action-form.ts';
import { forgotPassword } from './forgot-password.ts';
import { html, type Html } from './html.ts';
import { page, type Page } from './layout.ts';
import { problemSummary } from './problem-summary.ts';
import { providerName } from './social.ts';
import type { Texts } from './text/en.ts';
import { failureTitle } from './text/texts.ts';

type SignInToLink = Extract<Step, { step: 'sign_in_to_link' }>;

/** The address has a user: who comes from elsewhere signs in as that user first, by password or company. */
export function signInToLinkPage(step: SignInToLink, t: Texts): Page {
  const { client, actions, problem, external, email, locale } = step;
  const title = t.linkSignIn(providerName(external.provider));
  const company = companyButton(step, t);
  const leadsToCompany = problem?.company_sign_in === true;
  return page(
    { title: problem ? `${t.problem}: ${title}` : title, client, locale },
    html`<h1>${title}</h1>
      <p class="lead">${t.linkSignInLead(providerName(external.provider))}</p>
      ${problem && problemSummary(messageOf(step, problem, t), anchorOf(problem), leadsToCompany && company)}
      ${passwordForm(step, t)} ${!leadsToCompany && company}
      ${forgotPassword(actions['forgot_password'], email, t)}
      ${actionButton(actions['restart'], { id: 'restart', label: t.linkOtherWay })}
      ${actionButton(actions['abort'], { id: 'abort', label: t.abort(client.name) })}`,
  );
}

function messageOf({ email }: SignInToLink, { code, fields }: ShownProblem, t: Texts): string {
  const messages = new Map<string, string>([
    ['invalid_credentials', t.invalidPassword],
    ['throttled', t.throttled],
    ['sso_required', t.companyRequired],
    ['company_not_found', t.companyNotFound],
    ['link_mismatch', t.linkMismatch(email)],
  ]);
  if (fields?.['email'] !== undefined) return t.invalidEmail;
  return messages.get(code) ?? failureTitle(code, t);
}

function anchorOf({ code }: ShownProblem): string {
  return code === 'sso_required' ? 'company' : 'password';
}

/** The address goes along: one press, and the person is on the way. */
function companyButton({ actions, problem }: SignInToLink, t: Texts): Html | false {
  const action = actions['company'];
  const style = problem?.company_sign_in ? 'primary' : 'secondary';
  return actionButton(action, {
    id: 'company',
    label: t.company,
    style,
    hidden: valuesOf(action?.fields ?? []),
  });
}

/** The address is not for changing, but stands in a field: password managers find theirs by it. */
function passwordForm({ actions, problem, email }: SignInToLink, t: Texts): Html {
  const isWrong = problem?.code === 'invalid_credentials';
  return html`<form method="post" action="${actions['password']?.href}">
    <label for="email">${t.email}</label>
    <input id="email" name="email" type="email" autocomplete="username" readonly value="${email}" />
    <label for="password">${t.password}</label>
    <input
      id="password"
      name="password"
      type="password"
      autocomplete="current-password"
      required
      ${isWrong && html`aria-invalid="true" aria-describedby="problem"`}
      ${problem?.code !== 'sso_required' && html`autofocus`}
    />
    <button class="${problem?.company_sign_in ? 'secondary' : 'primary'}" type="submit" id="sign-in">
      ${t.signIn}
    </button>
  </form>`;
}
