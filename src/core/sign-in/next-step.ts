import { explainDenial } from '../access/access.ts';
import type { SignIn, StepProblem } from './state.ts';
import type { Action, Field, ShownProblem, Step } from './step.ts';

const scopeTexts: Readonly<Record<string, string>> = {
  openid: 'Know who you are',
  profile: 'See your name and language',
  email: 'See your email address',
  offline_access: 'Keep this access while you are away',
};

/** Where a sign-in stands, as the person is shown it. The one place that decides what can be done next. */
export function nextStep(signIn: SignIn): Step {
  const { state } = signIn;
  switch (state.at) {
    case 'identify':
      return {
        step: 'identify',
        ...standing(signIn, ['password', 'abort']),
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
        scopes: state.scopes.map((name) => ({ name, text: scopeTexts[name] ?? name })),
      };
    case 'done':
      return { step: 'done', ...standing(signIn, []), location: signIn.location };
  }
}

function shownProblem({ caseId, ...problem }: StepProblem): ShownProblem {
  return { ...problem, ...(caseId !== undefined && { case_id: caseId }) };
}

function deniedStep(signIn: SignIn, state: Extract<SignIn['state'], { at: 'denied' }>): Step {
  const { code, caseId, account } = state.denial;
  const { title, text, remedies } = explainDenial(code, signIn.client, account);
  const canRequest = remedies.some(({ action }) => action === 'request_seat') && !state.seatRequested;
  return {
    step: 'denied',
    ...standing(signIn, [...(canRequest ? (['request_seat'] as const) : []), 'restart', 'abort']),
    code,
    case_id: caseId,
    title,
    text,
    remedies,
    seat_requested: state.seatRequested,
  };
}

const email: Field = { name: 'email', type: 'email', required: true };
const password: Field = { name: 'password', type: 'password', required: true };

type ActionName = 'password' | 'account' | 'consent' | 'request_seat' | 'restart' | 'abort';

function standing(signIn: SignIn, names: readonly ActionName[]) {
  const { uid, client, expiresAt, locale } = signIn;
  const fields = fieldsOf(signIn);
  const action = (name: ActionName): [string, Action] => [
    name,
    { method: 'POST', href: `/sign-in/${uid}/${name.replace('_', '-')}`, fields: fields[name] },
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

function fieldsOf({ state }: SignIn): Record<ActionName, readonly Field[]> {
  const accounts = state.at === 'choose_account' ? state.accounts : [];
  return {
    password: [email, password],
    account: [
      {
        name: 'account',
        required: true,
        options: accounts.map(({ id, name }) => ({ value: id, label: name })),
      },
    ],
    consent: [{ name: 'granted', type: 'boolean', required: true }],
    request_seat: [],
    restart: [],
    abort: [],
  };
}
