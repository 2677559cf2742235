import { explainDenial, type Remedy } from '../access/access.ts';
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
        ...standing(signIn, ['password', 'forgot_password', 'abort']),
        login_hint: state.email ?? signIn.loginHint ?? null,
        problem: state.problem ? shownProblem(state.problem) : null,
      };
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

function shownProblem({ caseId, retryAfter, ...problem }: StepProblem): ShownProblem {
  return {
    ...problem,
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

function fieldsOf({ state, uid }: SignIn): Record<ActionName, readonly Field[]> {
  const accounts = state.at === 'choose_account' ? state.accounts : [];
  return {
    password: [email, password],
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
