import { explainDenial, type Remedy } from '../access/access.ts';
import type { ConnectionChoice } from '../connections/connections.ts';
import { scopeText } from './scope-texts.ts';
import type { SignIn, StepProblem } from './state.ts';
import type { Action, Field, ShownProblem, Step } from './step.ts';

/** Where a sign-in stands, as the person is shown it. The one place that decides what can be done next. */
export function nextStep(signIn: SignIn): Step {
  const { state } = signIn;
  switch (state.at) {
    case 'identify':
      return {
        step: 'identify',
        ...standing(signIn, ['password', 'company', 'forgot_password', 'abort']),
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
    case 'returned':
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
  | 'forgot_password'
  | 'account'
  | 'consent'
  | 'request_seat'
  | 'resend_activation'
  | 'restart'
  | 'abort';

/** The actions that stand elsewhere than below their interaction. */
const hrefs: Partial<Record<ActionName, string>> = { forgot_password: '/password-resets' };

function standing(signIn: SignIn, names: readonly ActionName[]) {
  const { uid, client, expiresAt, locale } = signIn;
  const fields = fieldsOf(signIn);
  const action = (name: ActionName): [string, Action] => [
    name,
    {
      method: 'POST',
      href: hrefs[name] ?? `/sign-in/${uid}/${name.replace('_', '-')}`,
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
    password: [email, password],
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
    case 'returned':
    case 'choose_account':
    case 'consent':
    case 'done':
      return [];
  }
}
