/** The pages of an invitation: what is offered, that it was accepted, and that it is over. */
import type { Action, StepClient } from '../core/sign-in/step.ts';
import { html, type Html } from './html.ts';
import { page, type Page } from './layout.ts';
import { passwordProblem, problemSummary } from './problem-summary.ts';
import type { Texts } from './text/en.ts';
import { texts } from './text/texts.ts';

export interface InvitationView {
  readonly step: 'activate' | 'sign_in_to_join';
  readonly locale: string;
  readonly client: StepClient | null;
  readonly account: string;
  readonly inviter: string | null;
  readonly email: string;
  /** Names. */
  readonly products: readonly string[];
  readonly problem: { readonly code: string } | null;
  readonly actions: { readonly accept: Action };
}

export function invitationPage(view: InvitationView): Page {
  const { locale, client, account, inviter, products, problem, actions, step, email } = view;
  const t = texts(locale);
  const isNew = step === 'activate';
  const title = t.invitation(account);
  return page(
    { title: problem ? `${t.problem}: ${title}` : title, client, locale },
    html`<h1>${title}</h1>
      <p class="lead">${t.invitationLead(inviter ?? account, account)}</p>
      ${products.length > 0 && html`<p>${t.invitationProducts(products.join(', '))}</p>`}
      ${problem && problemSummary(problemText(problem.code, t), 'password')}
      <p>${isNew ? t.invitationNew(email) : t.invitationExisting(email)}</p>
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
          ${isNew && html`aria-describedby="${problem && 'problem '}password-rules"`}
          ${problem && html`aria-invalid="true" autofocus`}
        />
        ${isNew && html`<p class="hint" id="password-rules">${t.resetRules}</p>`}
        <button class="primary" type="submit" id="accept">${t.invitationAccept}</button>
      </form>`,
  );
}

function nameField({ fields }: Action, t: Texts): Html {
  const value = fields.find(({ name }) => name === 'name')?.value ?? '';
  return html`<label for="name">${t.name}</label>
    <input id="name" name="name" type="text" autocomplete="name" maxlength="200" value="${value}" />`;
}

/** What can go wrong besides the password's own faults: somebody who is here already proves theirs. */
function problemText(code: string, t: Texts): string {
  if (code === 'invalid_credentials') return t.invalidPassword;
  return code === 'throttled' ? t.throttled : passwordProblem(code, t);
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
