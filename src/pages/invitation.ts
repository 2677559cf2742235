/** The pages of an invitation: what is offered, that it was accepted, and that it is over. */
import type { Action, StepClient } from '../core/sign-in/step.ts';
import { postButton } from './action-form.ts';
import { html, type Html } from './html.ts';
import { page, type Page } from './layout.ts';
import { passwordProblem, problemSummary } from './problem-summary.ts';
import { providerButtons, providerName } from './social.ts';
import type { Texts } from './text/en.ts';
import { failureTitle, texts } from './text/texts.ts';

export interface InvitationView {
  readonly step: 'activate' | 'sign_in_to_join';
  readonly locale: string;
  readonly client: StepClient | null;
  readonly account: string;
  readonly inviter: string | null;
  readonly email: string;
  /** Names. */
  readonly products: readonly string[];
  /** How it can be accepted: `password`, `company`, or a provider. */
  readonly ways: readonly string[];
  readonly problem: { readonly code: string } | null;
  readonly actions: { readonly accept: Action };
}

export function invitationPage(view: InvitationView): Page {
  const { locale, client, account, inviter, products, ways, problem, actions } = view;
  const t = texts(locale);
  const title = t.invitation(account);
  const { href } = actions.accept;
  const providers = ways.filter((way) => way !== 'password' && way !== 'company');
  const options = providers.map((value) => ({ value, label: providerName(value) }));
  const complaint = problem && complaintOf(problem.code, t);
  return page(
    { title: problem ? `${t.problem}: ${title}` : title, client, locale },
    html`<h1>${title}</h1>
      <p class="lead">${t.invitationLead(inviter ?? account, account)}</p>
      ${products.length > 0 && html`<p>${t.invitationProducts(products.join(', '))}</p>`}
      ${complaint && problemSummary(complaint.message, complaint.at)}
      ${ways.includes('password') && passwordForm(view, complaint, t)}
      ${ways.includes('company') && companyForm(view, t)}
      ${providerButtons({ href, name: 'social', options }, t)}`,
  );
}

interface Complaint {
  readonly message: string;
  readonly at: 'password' | 'company' | 'social';
}

/** What can go wrong besides the password's own faults. */
function complaintOf(code: string, t: Texts): Complaint {
  const known = new Map<string, Complaint>([
    ['invalid_credentials', { message: t.invalidPassword, at: 'password' }],
    ['throttled', { message: t.throttled, at: 'password' }],
    ['sso_required', { message: t.companyRequired, at: 'company' }],
    ['social_sign_in_failed', { message: t.socialFailed, at: 'social' }],
    ['identity_taken', { message: t.identityTaken, at: 'social' }],
    ['identity_other_email', { message: t.identityOtherEmail, at: 'social' }],
    ['link_mismatch', { message: failureTitle('link_mismatch', t), at: 'password' }],
  ]);
  return known.get(code) ?? { message: passwordProblem(code, t), at: 'password' };
}

/** Somebody new chooses theirs; somebody who is here already proves theirs. */
function passwordForm(view: InvitationView, complaint: Complaint | null, t: Texts): Html {
  const { actions, email, step } = view;
  const isNew = step === 'activate';
  const isWrong = complaint?.at === 'password';
  return html`<p>${isNew ? t.invitationNew(email) : t.invitationExisting(email)}</p>
    <form method="post" action="${actions.accept.href}">
      <input type="email" name="username" autocomplete="username" value="${email}" readonly hidden />
      ${isNew && nameField(actions.accept, t)}
      <label for="password">${isNew ? t.resetNewPassword : t.password}</label>
      <input
        id="password"
        name="password"
        type="password"
        autocomplete="${isNew ? 'new-password' : 'current-password'}"
        required
        maxlength="1024"
        ${isNew && html`aria-describedby="${isWrong && 'problem '}password-rules"`}
        ${isWrong && html`aria-invalid="true" autofocus`}
      />
      ${isNew && html`<p class="hint" id="password-rules">${t.resetRules}</p>`}
      <button class="primary" type="submit" id="accept">${t.invitationAccept}</button>
    </form>`;
}

/** By the company: alone, where it lets nobody in by anything else. */
function companyForm({ ways, actions, problem }: InvitationView, t: Texts): Html {
  const isOnly = !ways.includes('password');
  const style = isOnly ? 'primary' : 'secondary';
  const button = { id: 'company', label: t.company, style, hidden: { company: 'true' } } as const;
  return html`${isOnly && problem?.code !== 'sso_required' && html`<p>${t.companyRequired}</p>`}
  ${postButton(actions.accept.href, button)}`;
}

function nameField({ fields }: Action, t: Texts): Html {
  const value = fields.find(({ name }) => name === 'name')?.value ?? '';
  return html`<label for="name">${t.name}</label>
    <input id="name" name="name" type="text" autocomplete="name" maxlength="200" value="${value}" />`;
}

export function invitationDonePage({
  locale,
  location,
}: {
  readonly locale: string;
  readonly location: string | null;
}): Page {
  const t = texts(locale);
  const go = location && html`<a class="button primary" id="sign-in" href="${location}">${t.signIn}</a>`;
  return page(
    { title: t.invitationDone, locale },
    html`<h1>${t.invitationDone}</h1>
      <p>${t.invitationDoneLead}</p>
      ${go}`,
  );
}

/** One that was accepted or taken back, is too old, or never was one. */
export function invitationExpiredPage(locale: string): Page {
  const t = texts(locale);
  return page(
    { title: t.invitationExpired, locale },
    html`<h1>${t.invitationExpired}</h1>
      <p>${t.invitationExpiredLead}</p>`,
  );
}
