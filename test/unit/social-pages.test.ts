/** The pages of social sign-in and linking: what their forms send, and where they lead. */
import t from 'tap';
import { providerNames, socialProviders } from '../../src/core/identities/identities.ts';
import type { Step } from '../../src/core/sign-in/step.ts';
import { invitationPage } from '../../src/pages/invitation.ts';
import { providerName } from '../../src/pages/social.ts';
import { stepPage } from '../../src/pages/step.ts';

const to = (path: string, fields: object[] = []) => ({ method: 'POST', href: path, fields });
const options = socialProviders.map((value) => ({ value, label: providerNames[value] }));
const external = { provider: 'google', name: 'Ada at Google', email: 'ada@acme.test' };
const own = { name: 'email', type: 'email', value: 'ada@acme.test' };
const standing = {
  ...{ interaction: 'x', expires_at: 'x', locale: 'en', problem: null, remembered: null, login_hint: null },
  client: { client_id: 'x', name: 'x', logo_uri: null, product: null, first_party: true },
  ...{ external, user: { email: 'ada@acme.test' }, email: 'ada@acme.test', purpose: 'prove_email' },
  actions: {
    password: to('/password'),
    company: to('/company', [own]),
    social: to('/social', [{ name: 'provider', options }]),
    code: to('/code'),
    resend_code: to('/resend', [{ name: 'resend', type: 'hidden', value: 'true' }]),
    link: to('/link', [{ name: 'confirm', type: 'boolean', value: 'true' }]),
    forgot_password: to('/forgot', [{ name: 'interaction', type: 'hidden', value: 'x' }]),
    ...{ restart: to('/restart'), abort: to('/abort') },
  },
};
const askingAddress = { step: 'code', sent_to: null };
const askingCode = { step: 'code', sent_to: 'a…@acme.test' };
const linkSignIn = { step: 'sign_in_to_link' };

t.test(
  'each provider that is offered has a button, in the order of the step, and no other has',
  async (t) => {
    t.same(
      buttonsOf(contentOf({ step: 'identify' })),
      socialProviders.map((provider) => ['social-' + provider, provider]),
    );
    const two = {
      ...standing.actions,
      social: to('/social', [{ name: 'provider', options: options.slice(4) }]),
    };
    t.same(buttonsOf(contentOf({ step: 'identify', actions: two })), [
      ['social-apple', 'apple'],
      ['social-github', 'github'],
    ]);
    const { social: _, ...none } = standing.actions;
    t.notMatch(contentOf({ step: 'identify', actions: none }), /name="provider"|id="social"/);
  },
);

t.test('what the buttons send has nothing of the password form in it', async (t) => {
  const [form = ''] = formsTo(contentOf({ step: 'identify', login_hint: 'ada@acme.test' }), '/social');
  t.notMatch(form, /<input/);
});

t.test('a provider is called by one name everywhere; one that is new by its id', async (t) => {
  for (const provider of socialProviders) t.equal(providerName(provider), providerNames[provider]);
  t.equal(providerName('constructor'), 'constructor');
  const page = contentOf({ step: 'confirm_link', external: { ...external, provider: 'gitlab' } });
  t.match(page, 'gitlab');
});

t.test('a page asks for one thing above all', async (t) => {
  const codes = [
    ...['invalid_credentials', 'sso_required', 'company_not_found', 'link_mismatch', 'throttled'],
    ...['social_sign_in_failed', 'identity_unknown', 'identity_taken', 'another_proof_needed'],
  ];
  for (const code of [undefined, ...codes]) {
    const suggested = [false, true].map((hint) => ({ code, ...(hint && { company_sign_in: true }) }));
    for (const problem of code === undefined ? [null] : suggested) {
      for (const step of [
        { step: 'identify', login_hint: 'ada@acme.test' },
        askingAddress,
        askingCode,
        linkSignIn,
      ])
        t.equal(
          contentOf({ ...step, problem }).match(/class="primary"/g)?.length,
          1,
          JSON.stringify({ step, problem }),
        );
    }
  }
  t.equal(contentOf({ step: 'confirm_link' }).match(/class="primary"/g)?.length, 1);
});

t.test('a code is typed where it is asked for, and the address before it', async (t) => {
  const address = contentOf(askingAddress);
  t.same(namesIn(formsTo(address, '/code')[0]), ['email']);
  t.same(formsTo(address, '/resend'), [], 'there is nothing to send again');
  const code = contentOf(askingCode);
  t.same(namesIn(formsTo(code, '/code')[0]), ['code']);
  t.match(code, /autocomplete="one-time-code"/);
  t.match(code, /inputmode="numeric"/);
  t.same(hiddenIn(formsTo(code, '/resend')[0]), { resend: 'true' });
});

t.test('only the field that was wrong is marked, and the summary leads to it', async (t) => {
  const wrong = (field: string) => ({ code: 'invalid_input', fields: { [field]: 'is wrong' } });
  const cases = [
    [{ ...askingCode, problem: wrong('code') }, 'code', true],
    [{ ...askingAddress, problem: wrong('email') }, 'email', true],
    [{ ...askingCode, problem: { code: 'throttled', retry_after: 61 } }, 'code', false],
    [{ ...linkSignIn, problem: { code: 'invalid_credentials' } }, 'password', true],
    [{ ...linkSignIn, problem: { code: 'link_mismatch' } }, 'password', false],
    [{ step: 'identify', problem: { code: 'social_sign_in_failed' } }, 'social', false],
    [{ step: 'identify', problem: { code: 'identity_unknown' } }, 'email', false],
  ] as const;
  for (const [step, field, isMarked] of cases) {
    const page = contentOf(step);
    t.match(page, `<a href="#${field}">`, JSON.stringify(step));
    t.match(page, `id="${field}"`, 'which is there');
    const marked = Array.from(page.matchAll(/id="(\w+)"[^>]*aria-invalid="true"/g), ([, id]) => id);
    t.same(marked, isMarked ? [field] : [], JSON.stringify(step));
  }
});

t.test('who signs in to link cannot change whose sign-in it is', async (t) => {
  for (const problem of [null, { code: 'invalid_credentials' }]) {
    const page = contentOf({ ...linkSignIn, problem });
    const [form = ''] = formsTo(page, '/password');
    t.match(form, /<input[^>]*name="email"[^>]*readonly[^>]*value="ada@acme.test"/);
    t.same(hiddenIn(formsTo(page, '/company')[0]), { email: 'ada@acme.test' }, 'the company knows it too');
  }
});

t.test('a link is confirmed by a form that says so, with both sides named', async (t) => {
  const page = contentOf({
    step: 'confirm_link',
    external: { provider: 'github', name: 'octo', email: 'octo@hub.test' },
    user: { email: 'ada@acme.test' },
  });
  t.same(hiddenIn(formsTo(page, '/link')[0]), { confirm: 'true' });
  for (const named of ['GitHub', 'octo', 'octo@hub.test', 'ada@acme.test']) t.match(page, named);
  t.notMatch(page, /<a [^>]*href/, 'nothing is linked by following a link');
  const untold = contentOf({ step: 'confirm_link', external: { ...external, name: null, email: null } });
  t.match(untold, '<dd><span>Google</span></dd>');
});

t.test('the case of a failed sign-in by a provider is named, of a wrong password it is not', async (t) => {
  for (const code of ['social_sign_in_failed', 'identity_unknown']) {
    const page = stepPage(
      { ...standing, step: 'identify', problem: { code, case_id: 'AAAA' } } as never,
      'en',
    );
    t.match(page.content.toString(), `data-code="${code}"`);
    t.same(page.help, { about: 'AAAA' });
  }
  const page = contentOf({ step: 'identify', problem: { code: 'invalid_credentials', case_id: 'AAAA' } });
  t.notMatch(page, 'id="case"');
});

t.test('an invitation is accepted by what is offered, and by nothing else', async (t) => {
  const accept = { method: 'POST', href: '/accept', fields: [{ name: 'name', value: 'Ines' }] } as const;
  const sentBy = (ways: readonly string[], problem: string | null = null): (string | undefined)[][] => {
    const page = invitationPage({
      ...{ step: 'activate', locale: 'en', client: null, account: 'Acme', inviter: null, products: [], ways },
      ...{ email: 'ines@acme.test', problem: problem === null ? null : { code: problem } },
      actions: { accept },
    });
    t.equal(page.content.toString().match(/class="primary"/g)?.length ?? 0, ways[0] === 'google' ? 0 : 1);
    return formsTo(page.content.toString(), '/accept').map(namesIn);
  };
  const password = ['username', 'name', 'password'];
  t.same(sentBy(['password']), [password]);
  t.same(sentBy(['company']), [['company']]);
  t.same(sentBy(['company'], 'sso_required'), [['company']]);
  t.same(sentBy(['password', 'company', 'google', 'apple']), [password, ['company'], ['social', 'social']]);
  t.same(sentBy(['google'], 'identity_other_email'), [['social']]);
});

function contentOf(given: object): string {
  return stepPage({ ...standing, ...given } as unknown as Step, 'en').content.toString();
}

function buttonsOf(page: string): string[][] {
  const [form = ''] = formsTo(page, '/social');
  return Array.from(form.matchAll(/id="([^"]*)" name="provider" value="([^"]*)"/g), ([, ...pair]) => pair);
}

function formsTo(page: string, action: string): string[] {
  const forms = page.split('<form ').filter((form) => form.includes(`action="${action}"`));
  return forms.map((form) => form.split('</form>', 1)[0] ?? '');
}

function namesIn(form = ''): (string | undefined)[] {
  return Array.from(form.matchAll(/name="([^"]*)"/g), ([, name]) => name);
}

function hiddenIn(form = ''): Record<string, string> {
  const fields = form.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g);
  return Object.fromEntries(Array.from(fields, ([, name = '', value = '']) => [name, value]));
}
