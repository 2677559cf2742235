/** Where a sign-in stands is one step, and what a step offers can be done: by its routes, and by the transitions. */
import t from 'tap';
import { z } from 'zod';
import { denialCodes } from '../../src/core/access/access.ts';
import { abort, answerConsent, resendActivation, restart } from '../../src/core/sign-in/sign-in.ts';
import { nextStep, type SignIn, type SignInState, type Step } from '../../src/core/sign-in/sign-in.ts';
import { recoveryRoutes } from '../../src/http/recovery.ts';
import type { Route } from '../../src/http/route.ts';
import { signInRoutes } from '../../src/http/sign-in.ts';
import type { SocialIdentity } from '../../src/core/identities/identities.ts';
import type { EmailAddress } from '../../src/kernel/email-address.ts';
import { Failure } from '../../src/kernel/failures.ts';

const account = { id: 'acc_1', name: 'Acme Inc.' } as const;
const other = { id: 'acc_2', name: 'Initech' } as const;
const subject = { userId: 'usr_1' } as const;
const choices = [false, true];
const external: SocialIdentity = {
  provider: 'google',
  issuer: 'https://accounts.google.com',
  subject: '1234567890',
  email: 'ada@acme.test',
  emailTrust: 'verified_once',
  name: 'Ada at Google',
  attributes: {},
  amr: [],
};
const pending = { identity: external, email: 'ada@acme.test' as EmailAddress, emailProven: false };
const connections = [
  { id: 'con_1', label: 'Globex Corp' },
  { id: 'con_2', label: 'Globex Labs' },
] as const;

/** Every kind of state, in every shape it can have; one that is new does not compile until it is here. */
const states: { readonly [At in SignInState['at']]: readonly Extract<SignInState, { at: At }>[] } = {
  identify: [
    { at: 'identify' },
    { at: 'identify', email: 'ada@acme.test', problem: { code: 'invalid_credentials', caseId: 'AAAA-AAAA' } },
    { at: 'identify', email: 'ada@acme.test', problem: { code: 'throttled', retryAfter: 30 } },
    { at: 'identify', problem: { code: 'invalid_input', fields: { email: 'is not an email address' } } },
  ],
  company: [
    { at: 'company' },
    {
      at: 'company',
      email: 'gina@globex.test',
      problem: { code: 'company_sign_in_failed', caseId: 'AAAA-AAAA' },
    },
  ],
  choose_connection: [{ at: 'choose_connection', email: 'gina@globex.test' as EmailAddress, connections }],
  returned: [
    {
      at: 'returned',
      connectionId: connections[0].id,
      attemptId: 'att_1',
      identity: { issuer: 'https://idp.example', subject: 'gina', attributes: {}, amr: [] },
    },
  ],
  returned_social: [{ at: 'returned_social', identity: external }],
  code: [
    { at: 'code', pending: { ...pending, email: undefined } },
    { at: 'code', pending, sent: { id: 'one', hash: 'AAAA', at: '2026-03-01T12:00:00Z' } },
    {
      at: 'code',
      pending,
      sent: { id: 'one', hash: 'AAAA', at: '2026-03-01T12:00:00Z' },
      problem: { code: 'invalid_input', fields: { code: 'is not the code of the mail' } },
    },
  ],
  sign_in_to_link: [
    { at: 'sign_in_to_link', pending },
    { at: 'sign_in_to_link', pending, problem: { code: 'link_mismatch' } },
  ],
  confirm_link: [{ at: 'confirm_link', pending, subject }],
  choose_account: [{ at: 'choose_account', subject, accounts: [account, other] }],
  denied: denialCodes.flatMap((code) =>
    choices.flatMap((seatRequested) =>
      choices.map((activationResent) => {
        const denial = { code, caseId: 'AAAA-AAAA', account };
        return { at: 'denied', subject, denial, seatRequested, activationResent } as const;
      }),
    ),
  ),
  consent: [
    { at: 'consent', scopes: ['openid', 'offline_access', 'tickets:read'] },
    { at: 'consent', scopes: [] },
  ],
  done: [{ at: 'done' }],
};

const uid = 'Zm9vYmFyYmF6cXV4MTIzNDU2';
const standing: Omit<SignIn, 'state'> = {
  uid,
  expiresAt: new Date('2026-03-01T13:00:00.250Z'),
  locale: 'en',
  client: {
    clientId: 'assist-web',
    name: 'Assist',
    logoUri: 'https://cdn.example/logo.svg',
    product: { slug: 'assist', name: 'Assist' },
    firstParty: true,
    signUpUri: null,
    startUrl: null,
  },
  loginHint: 'hint@acme.test',
  isNew: false,
  domainHint: undefined,
  connectionHint: undefined,
  providers: ['google', 'github'],
  remembered: { id: 'con_9', label: 'Initech' },
  forceAuthn: false,
  maxAge: undefined,
  account: undefined,
  session: undefined,
  location: `https://login.example/authorize/${uid}`,
};

const at = (state: SignInState): SignIn => ({ ...standing, state });
const everywhere = Object.values(states).flat().map(at);
const fieldNames = (step: Step, href: string): string[] =>
  Object.values(actionsOf(step))
    .filter((action) => action.href === href)
    .flatMap(({ fields }) => fields.map((field) => field.name));
const actionsOf = (step: Step) => ('actions' in step ? step.actions : {});

const noEngine = () => {
  throw new Error('a route was called');
};
const routes = [...signInRoutes(noEngine), ...recoveryRoutes(noEngine)];
const routeOf = (method: string, href: string): Route | undefined =>
  routes.find((route) => route.method === method && route.url.replace(':uid', uid) === href);
const membersOf = (route: Route | undefined): string[] =>
  route?.schema.body instanceof z.ZodObject ? Object.keys(route.schema.body.shape) : [];

t.test('every state is one step, of its name, and says whose it is', async (t) => {
  for (const signIn of everywhere) {
    const step = nextStep(signIn);
    t.match(step, {
      step: signIn.state.at.startsWith('returned') ? 'redirect' : signIn.state.at,
      interaction: uid,
      expires_at: '2026-03-01T13:00:00.250Z',
      locale: 'en',
      client: {
        client_id: 'assist-web',
        name: 'Assist',
        logo_uri: 'https://cdn.example/logo.svg',
        first_party: true,
      },
    });
    t.strictSame(JSON.parse(JSON.stringify(step)), step, 'JSON holds all of it');
  }
});

t.test('what is offered has a route that takes it, with the fields it names', async (t) => {
  for (const signIn of everywhere) {
    for (const [name, { method, href, fields }] of Object.entries(actionsOf(nextStep(signIn)))) {
      const what = `${name} at ${signIn.state.at}`;
      const route = routeOf(method, href);
      t.ok(route, what);
      const members = membersOf(route);
      t.strictSame(
        fields.map((field) => field.name).filter((field) => !members.includes(field)),
        [],
        what,
      );
      const asked = new Set(everywhere.flatMap((one) => fieldNames(nextStep(one), href)));
      t.strictSame([...asked].sort(), members.sort(), `every member of ${name} is asked for somewhere`);
      for (const typed of samples(fields)) t.ok(route?.schema.body?.safeParse(typed).success, what);
      t.equal(fields.length === 0, route?.schema.body === undefined, what);
    }
  }
});

t.test('every route of the journey is offered somewhere', async (t) => {
  const offered = new Set(
    everywhere.flatMap((one) => Object.values(actionsOf(nextStep(one))).map(({ href }) => href)),
  );
  for (const { method, url } of signInRoutes(noEngine)) {
    if (method === 'POST') t.ok(offered.has(url.replace(':uid', uid)), url);
  }
});

t.test('what the transitions refuse is not offered, and what is offered they do', async (t) => {
  const transitions = {
    restart,
    abort,
    consent: (signIn: SignIn) => answerConsent(signIn, true),
    resend_activation: resendActivation,
  };
  for (const signIn of everywhere) {
    const offered = actionsOf(nextStep(signIn));
    for (const [name, transition] of Object.entries(transitions))
      t.equal(
        isDone(() => transition(signIn)),
        name in offered,
        `${name}: ${JSON.stringify(signIn.state)}`,
      );
  }
});

t.test('each step offers what a person can do there', async (t) => {
  const offeredAt = (state: SignInState) => Object.keys(actionsOf(nextStep(at(state))));
  for (const state of states.identify)
    t.strictSame(offeredAt(state), ['password', 'company', 'social', 'forgot_password', 'abort']);
  for (const state of [...states.company, ...states.choose_connection])
    t.strictSame(offeredAt(state), ['company', 'restart', 'abort']);
  for (const state of [...states.returned, ...states.returned_social]) t.strictSame(offeredAt(state), []);
  for (const state of states.code)
    t.strictSame(offeredAt(state), ['code', ...(state.sent ? ['resend_code'] : []), 'restart', 'abort']);
  for (const state of states.sign_in_to_link)
    t.strictSame(offeredAt(state), ['password', 'company', 'forgot_password', 'restart', 'abort']);
  for (const state of states.confirm_link) t.strictSame(offeredAt(state), ['link', 'restart', 'abort']);
  for (const state of states.choose_account) t.strictSame(offeredAt(state), ['account', 'restart', 'abort']);
  for (const state of states.consent) t.strictSame(offeredAt(state), ['consent', 'restart', 'abort']);
  for (const state of states.done) t.strictSame(offeredAt(state), []);
  for (const state of states.denied) {
    const { code } = state.denial;
    const own = [
      ...(code === 'no_seat' && !state.seatRequested ? ['request_seat'] : []),
      ...(code === 'sso_required' ? ['company'] : []),
      ...(code === 'user_not_activated' && !state.activationResent ? ['resend_activation'] : []),
    ];
    t.strictSame(offeredAt(state), [...own, 'restart', 'abort'], code);
  }
});

t.test('the form begins with what was typed, else with the hint of the client', async (t) => {
  t.match(nextStep(at({ at: 'identify' })), { login_hint: 'hint@acme.test', problem: null });
  t.match(nextStep(at({ at: 'identify', email: 'typed@acme.test' })), { login_hint: 'typed@acme.test' });
  t.match(nextStep({ ...at({ at: 'identify' }), loginHint: undefined }), { login_hint: null });
});

t.test('a problem is shown with its case and its wait, in the names of the wire', async (t) => {
  const shown = states.identify.map((state) => {
    const step = nextStep(at(state));
    return step.step === 'identify' ? step.problem : undefined;
  });
  t.strictSame(shown, [
    null,
    { code: 'invalid_credentials', case_id: 'AAAA-AAAA' },
    { code: 'throttled', retry_after: 30 },
    { code: 'invalid_input', fields: { email: 'is not an email address' } },
  ]);
});

t.test('the accounts that can be chosen are those that would let them in', async (t) => {
  const step = nextStep(at({ at: 'choose_account', subject, accounts: [account, other] }));
  t.match(step, { accounts: [account, other] });
  t.strictSame(actionsOf(step)['account']?.fields[0]?.options, [
    { value: account.id, label: account.name },
    { value: other.id, label: other.name },
  ]);
});

t.test('a denial shows its code, its case, and what was already pressed', async (t) => {
  for (const state of states.denied) {
    t.match(nextStep(at(state)), {
      code: state.denial.code,
      case_id: 'AAAA-AAAA',
      seat_requested: state.seatRequested,
      activation_resent: state.activationResent,
    });
  }
});

t.test('every scope that consent asks for is shown, one that has no words by its name', async (t) => {
  const step = nextStep(at({ at: 'consent', scopes: ['openid', 'offline_access', 'tickets:read'] }));
  const scopes = step.step === 'consent' ? step.scopes : [];
  t.strictSame(
    scopes.map(({ name }) => name),
    ['openid', 'offline_access', 'tickets:read'],
  );
  t.strictSame(
    scopes.map(({ name, text }) => text !== '' && text !== name),
    [true, true, false],
  );
});

t.test('a step speaks the language of its sign-in', async (t) => {
  const denied = {
    at: 'denied',
    subject,
    denial: { code: 'no_seat', caseId: 'A' },
    seatRequested: false,
  } as const;
  for (const state of [denied, { at: 'consent', scopes: ['openid'] } as const]) {
    const [english, german] = ['en', 'de'].map((locale) => nextStep({ ...at(state), locale }));
    t.match(german, { locale: 'de' });
    t.not(JSON.stringify(german).replace('"de"', '"en"'), JSON.stringify(english), state.at);
  }
});

t.test('no step says who the person is before it is over, nor what they proved', async (t) => {
  const evidence = [{ method: 'pwd', at: '2026-03-01T12:00:00Z' }] as never;
  for (const { state } of everywhere) {
    const proven = 'subject' in state ? { ...state, subject: { ...subject, evidence } } : state;
    const session = { userId: 'usr_2', accountId: 'acc_9', evidence } as const;
    const said = JSON.stringify(nextStep({ ...standing, session, account: 'acc_8', state: proven }));
    for (const secret of ['usr_', 'pwd', 'acc_8', 'acc_9']) t.notOk(said.includes(secret), secret);
  }
});

/** What a page could send for these fields: every option once. */
function samples(fields: Extract<Step, { actions: object }>['actions'][string]['fields']): object[] {
  const texts = {
    email: ['ada@acme.test'],
    password: ['a password'],
    boolean: ['true', 'false', true, false],
    code: ['123456'],
  };
  const values = fields.map(({ name, type, value, options }): [string, readonly unknown[]] => [
    name,
    value !== undefined ? [value] : (options?.map((option) => option.value) ?? texts[type as 'email']),
  ]);
  const most = Math.max(0, ...values.map(([, each]) => each.length));
  return Array.from({ length: most }, (_, index) =>
    Object.fromEntries(values.map(([name, each]) => [name, each[index % each.length]])),
  );
}

function isDone(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof Failure && error.code === 'action_not_available') return false;
    throw error;
  }
}
