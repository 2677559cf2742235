import { explainDenial, type Remedy } from '../access/access.ts';
import type { ConnectionChoice } from '../connections/connections.ts';
import { providerNames } from '../identities/identities.ts';
import type { PendingIdentity } from '../linking/linking.ts';
import { scopeText } from './scope-texts.ts';
import type { SignIn, StepProblem } from './state.ts';
import type { Action, ExternalShown, Field, ShownProblem, Step } from './step.ts';

/** Where a sign-in stands, as the person is shown it. The one place that decides what can be done next. */
export function nextStep(signIn: SignIn): Step {
  const { state } = signIn;
  switch (state.at) {
    case 'identify':
      return {
        step: 'identify',
        ...standing(signIn, ['password', 'company', ...social(signIn), 'forgot_password', 'abort']),
        login_hint: state.email ?? signIn.loginHint ?? null,
        problem: state.problem ? shownProblem(state.problem) : null,
        remembered: signIn.remembered ?? null,
      };
    case 'company':
      return {
        step: 'company',
        ...standing(signIn, ['company', 'restart', 'abort']),
        login_hint: state.email ?? signIn.loginHint ?? null,
        problem: state.problem ? shownProblem(state.problem) : null,
      };
    case 'choose_connection':
      return {
        step: 'choose_connection',
        ...standing(signIn, ['company', 'restart', 'abort']),
        connections: state.connections,
      };
    case 'code':
      return codeStep(signIn, state);
    case 'sign_in_to_link':
      return {
        step: 'sign_in_to_link',
        ...standing(signIn, ['password', 'company', 'forgot_password', 'restart', 'abort']),
        external: externalOf(state.pending),
        email: state.pending.email ?? '',
        problem: state.problem ? shownProblem(state.problem) : null,
      };
    case 'confirm_link':
      return {
        step: 'confirm_link',
        ...standing(signIn, ['link', 'restart', 'abort']),
        external: externalOf(state.pending),
        user: { email: state.pending.email ?? '' },
      };
    case 'returned':
    case 'returned_social':
      // the browser has to come to its own step before anything is decided
      return redirectStep(signIn, new URL(`/sign-in/${signIn.uid}`, signIn.location).href);
    case 'choose_account':
      return {
        step: 'choose_account',
        ...standing(signIn, ['account', 'restart', 'abort']),
        accounts: state.accounts,
      };
    case 'denied':
      return deniedStep(signIn, state);
    case 'consent':
      return {
        step: 'consent',
        ...standing(signIn, ['consent', 'restart', 'abort']),
        scopes: state.scopes.map((name) => ({ name, text: scopeText(name, signIn.locale) })),
      };
    case 'done':
      return { step: 'done', ...standing(signIn, []), location: signIn.location };
  }
}

/** Leave for `location`: an answer to an action, not a place where a sign-in stands. */
export function redirectStep(signIn: SignIn, location: string): Step {
  return { step: 'redirect', ...standing(signIn, []), location };
}

function social({ providers }: SignIn): ActionName[] {
  return providers.length > 0 ? ['social'] : [];
}

function codeStep(signIn: SignIn, state: Extract<SignIn['state'], { at: 'code' }>): Step {
  const { pending, sent, problem } = state;
  return {
    step: 'code',
    ...standing(signIn, ['code', ...(sent ? (['resend_code'] as const) : []), 'restart', 'abort']),
    purpose: 'prove_email',
    external: externalOf(pending),
    sent_to: sent && pending.email !== undefined ? maskEmail(pending.email) : null,
    problem: problem ? shownProblem(problem) : null,
  };
}

function externalOf({ identity, email }: PendingIdentity): ExternalShown {
  return { provider: identity.provider, name: identity.name ?? null, email: email ?? null };
}

/** Enough for its owner to know the mailbox by. */
function maskEmail(email: string): string {
  const [local = '', domain = ''] = email.split('@');
  return `${local.slice(0, 1)}…@${domain}`;
}

function shownProblem({ caseId, retryAfter, companySignIn, ...problem }: StepProblem): ShownProblem {
  return {
    ...problem,
    ...(companySignIn && { company_sign_in: true }),
    ...(caseId !== undefined && { case_id: caseId }),
    ...(retryAfter !== undefined && { retry_after: retryAfter }),
  };
}

function deniedStep(signIn: SignIn, state: Extract<SignIn['state'], { at: 'denied' }>): Step {
  const { code, caseId, account } = state.denial;
  const { title, text, remedies } = explainDenial(code, {
    client: signIn.client,
    account,
    locale: signIn.locale,
  });
  const { seatRequested, activationResent = false } = state;
  const isRemedy = (wanted: Remedy['action']): boolean => remedies.some(({ action }) => action === wanted);
  const own: ActionName[] = [
    ...(isRemedy('request_seat') && !seatRequested ? (['request_seat'] as const) : []),
    ...(isRemedy('company_sign_in') ? (['company'] as const) : []),
    ...(isRemedy('resend_activation') && !activationResent ? (['resend_activation'] as const) : []),
  ];
  return {
    step: 'denied',
    ...standing(signIn, [...own, 'restart', 'abort']),
    code,
    case_id: caseId,
    title,
    text,
    remedies,
    seat_requested: seatRequested,
    activation_resent: activationResent,
  };
}

const email: Field = { name: 'email', type: 'email', required: true };
const password: Field = { name: 'password', type: 'password', required: true };

type ActionName =
  | 'password'
  | 'company'
  | 'social'
  | 'code'
  | 'resend_code'
  | 'link'
  | 'forgot_password'
  | 'account'
  | 'consent'
  | 'request_seat'
  | 'resend_activation'
  | 'restart'
  | 'abort';

/** The actions that stand elsewhere than below their interaction. */
const hrefs: Partial<Record<ActionName, (uid: string) => string>> = {
  forgot_password: () => '/password-resets',
  resend_code: (uid) => `/sign-in/${uid}/code`,
};

function standing(signIn: SignIn, names: readonly ActionName[]) {
  const { uid, client, expiresAt, locale } = signIn;
  const fields = fieldsOf(signIn);
  const action = (name: ActionName): [string, Action] => [
    name,
    {
      method: 'POST',
      href: hrefs[name]?.(uid) ?? `/sign-in/${uid}/${name.replace('_', '-')}`,
      fields: fields[name],
    },
  ];
  return {
    interaction: uid,
    expires_at: expiresAt.toISOString(),
    locale,
    client: {
      client_id: client.clientId,
      name: client.name,
      logo_uri: client.logoUri,
      product: client.product && { slug: client.product.slug, name: client.product.name },
      first_party: client.firstParty,
    },
    actions: Object.fromEntries(names.map(action)),
  };
}

function fieldsOf(signIn: SignIn): Record<ActionName, readonly Field[]> {
  const { state, uid } = signIn;
  const accounts = state.at === 'choose_account' ? state.accounts : [];
  return {
    password:
      state.at === 'sign_in_to_link'
        ? [{ ...email, ...ownEmail(state.pending) }, password]
        : [email, password],
    social: [
      {
        name: 'provider',
        required: true,
        options: signIn.providers.map((value) => ({ value, label: providerNames[value] })),
      },
    ],
    code: state.at === 'code' && !state.sent ? [email] : [{ name: 'code', type: 'code', required: true }],
    resend_code: [{ name: 'resend', type: 'hidden', required: true, value: 'true' }],
    link: [{ name: 'confirm', type: 'boolean', required: true, value: 'true' }],
    company: companyFields(signIn),
    forgot_password: [email, { name: 'interaction', type: 'hidden', required: true, value: uid }],
    account: [
      {
        name: 'account',
        required: true,
        options: accounts.map(({ id, name }) => ({ value: id, label: name })),
      },
    ],
    consent: [{ name: 'granted', type: 'boolean', required: true }],
    request_seat: [],
    resend_activation: [],
    restart: [],
    abort: [],
  };
}

function ownEmail({ email: own }: PendingIdentity): { value?: string } {
  return own === undefined ? {} : { value: own };
}

/** At `company` an address; elsewhere it may be left out, to get there, and a company may be named that was shown. */
function companyFields({ state, remembered }: SignIn): readonly Field[] {
  const optional: Field = { name: 'email', type: 'email' };
  const options = (choices: readonly ConnectionChoice[]): Field => ({
    name: 'connection',
    options: choices.map(({ id, label }) => ({ value: id, label })),
  });
  switch (state.at) {
    case 'company':
      return [email];
    case 'choose_connection':
      return [{ ...options(state.connections), required: true }];
    case 'denied':
      return [{ ...email, ...(state.denial.email !== undefined && { value: state.denial.email }) }];
    case 'identify':
      return remembered ? [optional, options([remembered])] : [optional];
    case 'sign_in_to_link':
      return [{ ...email, ...ownEmail(state.pending) }];
    case 'returned':
    case 'returned_social':
    case 'code':
    case 'confirm_link':
    case 'choose_account':
    case 'consent':
    case 'done':
      return [];
  }
}
