/** The pages by themselves: no text outside the catalogue, and nothing that anybody typed becomes markup. */
import { readdir } from 'node:fs/promises';
import t from 'tap';
import type { Step } from '../../src/core/sign-in/step.ts';
import { shownFailures } from '../../src/kernel/failures.ts';
import { createEngineHtml } from '../../src/pages/engine.ts';
import { errorPage } from '../../src/pages/error.ts';
import { departurePage, testResultPage } from '../../src/pages/federation.ts';
import { identityLinkedPage, identityNotLinkedPage } from '../../src/pages/identity-linked.ts';
import { invitationDonePage, invitationExpiredPage, invitationPage } from '../../src/pages/invitation.ts';
import { logoOf, type Page, renderPage } from '../../src/pages/layout.ts';
import { createLook, imageOrigin } from '../../src/pages/look.ts';
import { passwordResetDonePage } from '../../src/pages/password-reset-done.ts';
import { passwordResetExpiredPage, passwordResetNewPage } from '../../src/pages/password-reset-new.ts';
import { passwordResetRequestPage } from '../../src/pages/password-reset-request.ts';
import { passwordResetSentPage } from '../../src/pages/password-reset-sent.ts';
import {
  seatRequestDecidedPage,
  seatRequestDonePage,
  seatRequestExpiredPage,
  seatRequestPage,
} from '../../src/pages/seat-request.ts';
import { stepPage } from '../../src/pages/step.ts';
import { en } from '../../src/pages/text/en.ts';
import { ja } from '../../src/pages/text/ja.ts';
import { failureTitle } from '../../src/pages/text/texts.ts';

type Data = (name: string) => string;

const locale = 'ja';
const code = 'no_seat';
const post = { method: 'POST', href: '/x', fields: [{ name: 'name', type: 'hidden', value: 'x' }] } as const;
const form = '<form id="op.logoutForm" method="post" action="/x"></form>';
const engineForm =
  '<script>go()</script><form method="post" action="/x"><input type="hidden" name="a" value="b"/><noscript>x</noscript>';

const identifyProblems = [
  null,
  { code: 'invalid_credentials' },
  { code: 'invalid_credentials', company_sign_in: true },
  { code: 'throttled' },
  { code: 'invalid_input', fields: { email: 'x' } },
  { code: 'sso_required', company_sign_in: true },
  { code: 'company_not_found' },
  { code: 'another_proof_needed' },
  { code: 'social_sign_in_failed', case_id: 'data-case' },
  { code: 'identity_unknown' },
  { code: 'identity_taken' },
  { code: 'link_mismatch' },
] as const;

/** Every page in every state it has, made of this data; by name, because each exported page must be among them. */
function everyPage(data: Data): [name: string, markup: string][] {
  const look = createLook({
    name: data('brand'),
    color: '#0f5c5c',
    logoUrl: undefined,
    supportUrl: 'https://help.test',
    supportEmail: data('support'),
  });
  const engine = createEngineHtml(look);
  const client = { name: data('client'), first_party: true };
  const shown = Object.entries(pagesOf(data)).flatMap(([name, pages]) =>
    pages.map((page): [string, string] => [name, renderPage(page, look).toString()]),
  );
  return [
    ...shown,
    ['engine', engine.error({ error: 'x', description: data('detail'), requestId: data('id'), locale })],
    ['engine', engine.signOut(form, { confirmed: false, client, locale })],
    ['engine', engine.signOut(form, { confirmed: true, client, locale })],
    ['engine', engine.signedOut({ client, startUrl: data('url'), locale })],
    ['engine', engine.goOn(engineForm, { client, locale }) ?? ''],
  ];
}

function pagesOf(data: Data): Record<string, Page[]> {
  const client = {
    client_id: data('client-id'),
    name: data('client'),
    logo_uri: null,
    product: { slug: 'p', name: data('product') },
    first_party: true,
  };
  const standing = { interaction: 'x', expires_at: 'x', locale, client };
  const all = [
    'password',
    'company',
    'forgot_password',
    'account',
    'consent',
    'request_seat',
    'resend_activation',
    'code',
    'resend_code',
    'link',
  ];
  const options = [{ value: data('provider'), label: data('provider') }];
  const actions = {
    ...Object.fromEntries([...all, 'restart', 'abort'].map((name) => [name, post])),
    social: { ...post, fields: [{ name: 'provider', options }] },
  };
  const invalid = { code: 'invalid_input', fields: { email: 'x' } } as const;
  const failed = { code: 'company_sign_in_failed', case_id: data('case') } as const;
  const wrongCode = { code: 'invalid_input', fields: { code: 'x' } } as const;
  const external = { provider: data('provider'), name: data('name'), email: data('external') };
  const connection = { id: data('connection'), label: data('label') };
  const email = data('email');
  const step = (given: object): Page =>
    stepPage({ ...standing, actions, ...given } as unknown as Step, locale);
  const refusals = ['too_short', 'too_long', 'too_personal', 'too_common', 'constructor'].map(
    (reason) => ({ code: 'password_refused', fields: { password: reason } }) as const,
  );
  const offered = { account: data('account'), inviter: data('inviter'), products: [data('product')], email };
  const accept = { accept: { ...post, fields: [{ name: 'name', value: data('name') }] } };
  const people = [data('name'), null].map((name) => ({ name, email }));
  const wish = { product: data('product'), account: data('account') };
  const decided = people.flatMap((person) =>
    (['granted', 'refused'] as const).map(
      (state) => ({ step: 'seat_request_decided', locale, state, ...wish, person }) as const,
    ),
  );
  const linking = { locale, provider: data('provider') };
  const ways = [
    { client, location: data('url') },
    { client: null, location: null },
  ];
  const codes = [
    ...refusals.map(({ fields }) => fields.password),
    ...['invalid_credentials', 'throttled', 'sso_required', 'social_sign_in_failed', 'link_mismatch'],
    ...['identity_taken', 'identity_other_email'],
  ];
  return {
    identifyPage: identifyProblems.flatMap((problem) =>
      [null, connection].flatMap((remembered) =>
        [null, email].map((hint) => step({ step: 'identify', login_hint: hint, problem, remembered })),
      ),
    ),
    companyPage: [
      null,
      invalid,
      failed,
      { code: 'throttled' },
      { code: 'sso_required' },
      { code: 'not_found' },
    ].map((problem) => step({ step: 'company', login_hint: email, problem })),
    codePage: [null, data('masked')].flatMap((sent_to) =>
      [null, invalid, wrongCode, { code: 'throttled' }, { code: 'not_found' }].map((problem) =>
        step({ step: 'code', external, sent_to, problem }),
      ),
    ),
    signInToLinkPage: [...identifyProblems, { code: 'not_found' }].map((problem) =>
      step({ step: 'sign_in_to_link', external, email, problem }),
    ),
    confirmLinkPage: [external, { ...external, name: null, email: null }].map((known) =>
      step({ step: 'confirm_link', external: known, user: { email } }),
    ),
    chooseConnectionPage: [step({ step: 'choose_connection', connections: [connection, connection] })],
    departurePage: [
      departurePage(
        { action: data('url'), fields: { [data('field')]: data('value') }, label: data('label') },
        locale,
      ),
    ],
    testResultPage: [undefined, data('code')].flatMap((refusal) =>
      [
        undefined,
        {
          issuer: data('issuer'),
          subject: data('subject'),
          attributes: { [data('name')]: [data('a'), data('b')] },
        },
      ].map((identity) =>
        testResultPage(
          {
            ...{ label: data('label'), caseId: data('case'), code: refusal, identity },
            mapped: identity && {
              [data('field')]: email,
              [data('groups')]: [data('group')],
              nothing: undefined,
            },
          },
          locale,
        ),
      ),
    ),
    chooseAccountPage: [step({ step: 'choose_account', accounts: [{ id: data('id'), name: data('name') }] })],
    consentPage: [step({ step: 'consent', scopes: [{ name: data('scope'), text: data('scope') }] })],
    deniedPage: [true, false].map((done) =>
      step({
        ...{ step: 'denied', code, case_id: data('case'), title: data('title'), text: data('text') },
        remedies: [{ text: data('remedy') }, { text: data('remedy'), href: data('url') }],
        ...{ seat_requested: done, activation_resent: done },
      }),
    ),
    expiredPage: [
      stepPage({ step: 'expired', client, start_url: data('url') }, locale),
      stepPage({ step: 'expired' }, locale),
    ],
    errorPage: [...Object.keys(shownFailures), 'internal_error', 'unknown'].flatMap((failure) =>
      [400, 500].map((status) =>
        errorPage(
          { code: failure, status, detail: data('detail'), instance: data('id'), case_id: data('case') },
          locale,
          status === 500 ? data('retry') : undefined,
        ),
      ),
    ),
    passwordResetRequestPage: [null, 'invalid_email', 'link_expired'].map((problem) =>
      passwordResetRequestPage({
        step: 'forgot_password',
        ...{ locale, client, email, problem: problem === null ? null : { code: problem } },
        actions: { request: post },
      }),
    ),
    passwordResetSentPage: [null, 'wrong_code', 'too_soon'].map((problem) =>
      passwordResetSentPage({
        step: 'reset_mail_sent',
        ...{ locale, client, email, sender: data('sender'), resend_after: 1 },
        problem: problem === null ? null : { code: problem },
        actions: { code: post, resend: post },
      }),
    ),
    passwordResetNewPage: [null, ...refusals].map((problem) =>
      passwordResetNewPage({
        step: 'new_password',
        ...{ locale, client, email, problem, actions: { complete: post } },
      }),
    ),
    passwordResetExpiredPage: [passwordResetExpiredPage({ locale, client: null })],
    passwordResetDonePage: [data('url'), null].map((location) =>
      passwordResetDonePage({ step: 'password_changed', locale, client, location }),
    ),
    invitationPage: (['activate', 'sign_in_to_join'] as const).flatMap((kind) =>
      [['password'], ['company'], ['password', 'company', data('provider')]].flatMap((ways) =>
        [null, ...codes].map((problem) =>
          invitationPage({
            ...{ step: kind, locale, client, ...offered, actions: accept, ways },
            problem: problem === null ? null : { code: problem },
          }),
        ),
      ),
    ),
    invitationDonePage: [data('url'), null].map((location) => invitationDonePage({ locale, location })),
    invitationExpiredPage: [invitationExpiredPage(locale)],
    identityLinkedPage: ways.map((way) =>
      identityLinkedPage({ step: 'identity_linked', ...linking, ...way }),
    ),
    identityNotLinkedPage: ways.flatMap((way) =>
      [undefined, data('case')].map((caseId) =>
        identityNotLinkedPage({ ...linking, ...way, code: 'identity_taken', caseId }),
      ),
    ),
    seatRequestPage: people.flatMap((person) =>
      [0, 1, 2].map((free_seats) =>
        seatRequestPage({
          ...{ step: 'decide_seat_request', locale, free_seats, ...wish, person },
          problem: free_seats === 0 ? { code: 'no_free_seat' } : null,
          actions: { grant: post, refuse: post },
        }),
      ),
    ),
    seatRequestDonePage: decided.map(seatRequestDonePage),
    seatRequestDecidedPage: decided.map(seatRequestDecidedPage),
    seatRequestExpiredPage: [seatRequestExpiredPage(locale)],
  };
}

/** What only hands on, and the reference of the interface, which is in English like the interface itself. */
const notTranslated = ['stepPage', 'renderPage', 'referencePage'];

t.test('every page there is takes part', async (t) => {
  const files = (await readdir('src/pages')).filter((file) => file.endsWith('.ts'));
  const modules = await Promise.all(
    files.map((file) => import(`../../src/pages/${file}`) as Promise<Record<string, unknown>>),
  );
  const exported = modules.flatMap((module) => Object.keys(module)).filter((name) => name.endsWith('Page'));
  t.same(
    exported.filter((name) => !notTranslated.includes(name)).sort(),
    Object.keys(pagesOf((name) => name)).sort(),
  );
});

t.test('no page has a text of its own: all come out of the catalogue', async (t) => {
  Object.assign(ja, pseudo(en)); // in this process the Japanese is a language that shows itself
  for (const [name, markup] of everyPage((data) => `data-${data}`)) {
    const own = visibleText(markup)
      .replaceAll(/⟦[^⟧]*⟧/g, '')
      .replaceAll(/data-[\w-]+/g, '')
      .replaceAll(/\b(unknown|x|[a-z]+_[a-z_]+|throttled|overloaded|unavailable): /g, '') // codes
      .replaceAll(/[\s·:]+/g, '');
    t.equal(own, '', name);
  }
});

t.test('what came from people or the database stays text', async (t) => {
  const hostile: Data = (name) =>
    `${name}"'><img src=x onerror=alert(1)></title><script>alert(1)</script>&lt;`;
  const harmless = (name: string): string => name;
  const [attacked, plain] = [everyPage(hostile), everyPage(harmless)];
  for (const [index, [name, markup]] of attacked.entries()) {
    t.same(tagsOf(markup), tagsOf(plain[index]?.[1] ?? ''), name);
  }
});

t.test('a failure has a title of its own, the errors of the protocol share one', async (t) => {
  const codes = [...Object.keys(shownFailures), 'internal_error'];
  for (const failure of codes) t.not(failureTitle(failure, en), en.problem, failure);
  t.equal(failureTitle('invalid_request', en), en.problem);
  t.equal(failureTitle('constructor', en), en.problem);
});

t.test('of logos only those are shown that the policy can name', async (t) => {
  t.equal(imageOrigin('https://cdn.example.test:8443/a.png'), 'https://cdn.example.test:8443');
  for (const url of [
    'javascript:alert(1)',
    'data:image/png;base64,x',
    'https://a;script-src *.test/x',
    '//x',
    null,
  ]) {
    t.equal(imageOrigin(url), undefined, String(url));
  }
  const page = { title: 'x', locale: 'en' } as Page;
  const logoUrl = 'https://us.test/logo.png';
  const logo_uri = 'https://them.test/logo.png';
  t.equal(logoOf({ ...page, client: { name: 'x', logo_uri } }, { logoUrl }), logo_uri);
  t.equal(logoOf({ ...page, client: { name: 'x', logo_uri, first_party: false } }, { logoUrl }), logoUrl);
});

/** Every text of a catalogue, marked: what is seen without marks stands in a page itself. */
function pseudo(catalogue: object): object {
  const marked = Object.entries(catalogue).map(([key, value]: [string, unknown]) => {
    if (typeof value === 'string') return [key, `⟦${value}⟧`];
    if (typeof value !== 'function') return [key, pseudo(value as object)];
    return [key, (...given: string[]) => `⟦${(value as (...texts: string[]) => string)(...given)}⟧`];
  });
  return Object.fromEntries(marked) as object;
}

/** What is read out or seen: text, and the attributes that are. */
function visibleText(markup: string): string {
  const attributes = [...markup.matchAll(/ (?:alt|title|placeholder|aria-label)="([^"]*)"/g)];
  const text = markup.replaceAll(/<script>.*?<\/script>/gs, '').replaceAll(/<[^>]*>/g, ' ');
  return [text, ...attributes.map(([, value]) => value)].join(' ');
}

/** Tags with the names of their attributes. */
function tagsOf(markup: string): string[] {
  return [...markup.matchAll(/<\/?[a-z][^>]*>/gi)].map(([tag]) => tag.replaceAll(/"[^"]*"/g, '""'));
}
