/** The pages of social sign-in and linking in every state, also those that no walk reaches, can be used by everybody, in every language. */
import t from 'tap';
import { providerNames, socialProviders } from '../../src/core/identities/identities.ts';
import type { Step } from '../../src/core/sign-in/step.ts';
import { invitationPage } from '../../src/pages/invitation.ts';
import { type Page, renderPage } from '../../src/pages/layout.ts';
import { createLook } from '../../src/pages/look.ts';
import { stepPage } from '../../src/pages/step.ts';
import { checkUse } from '../support/accessible.ts';
import { startBrowser } from '../support/browser.ts';

t.setTimeout(400_000);

const look = createLook({
  ...{ name: 'Doorward', color: '#0f5c5c', logoUrl: undefined },
  ...{ supportUrl: 'https://help.test/', supportEmail: 'help@example.test' },
});
const to = (href: string, fields: object[] = []) => ({ method: 'POST', href, fields });
const options = socialProviders.map((value) => ({ value, label: providerNames[value] }));
const email = 'gina.with.a.long.name@globex-corporation.test';
const longName = 'N'.repeat(200);
const standing = {
  ...{ interaction: 'x', expires_at: 'x', login_hint: email, problem: null, remembered: null },
  client: {
    ...{ client_id: 'x', name: 'Assist', logo_uri: null, first_party: true },
    product: { slug: 'assist', name: 'Assist' },
  },
  actions: {
    ...{ password: to('/password'), forgot_password: to('/forgot'), code: to('/code'), link: to('/link') },
    company: to('/company', [{ name: 'email', type: 'email', value: email }]),
    social: to('/social', [{ name: 'provider', options }]),
    resend_code: to('/code', [{ name: 'resend', type: 'hidden', value: 'true' }]),
    ...{ restart: to('/restart'), abort: to('/abort') },
  },
  ...{ purpose: 'prove_email', email, user: { email } },
  external: { provider: 'microsoft', name: longName, email },
};

function pagesIn(locale: string): Record<string, Page> {
  const step = (name: string, given: object = {}): Page =>
    stepPage({ ...standing, locale, step: name, ...given } as unknown as Step, locale);
  const problem = (code: string, more: object = {}) => ({ problem: { code, ...more } });
  const asking = (sent_to: string | null, more: object = {}) => step('code', { sent_to, ...more });
  const invited = (ways: readonly string[], code?: string): Page =>
    invitationPage({
      ...{ step: 'activate', locale, client: null, account: 'Globex', inviter: 'Gina', email, products: [] },
      ...{ ways, problem: code === undefined ? null : { code } },
      actions: { accept: { method: 'POST', href: '/accept', fields: [] } },
    });
  const sent = 'g…@globex-corporation.test';
  return {
    identify: step('identify'),
    'identify, failed': step('identify', problem('social_sign_in_failed', { case_id: 'SMT7-YV20' })),
    'identify, unknown': step('identify', problem('identity_unknown', { case_id: 'SMT7-YV20' })),
    'identify, taken': step('identify', problem('identity_taken')),
    'company, required': step('company', problem('sso_required', { company_sign_in: true })),
    'code, address': asking(null),
    'code, no address': asking(null, problem('invalid_input', { fields: { email: 'x' } })),
    'code, too many': asking(null, problem('throttled', { retry_after: 3000 })),
    code: asking(sent),
    'code, wrong': asking(sent, problem('invalid_input', { fields: { code: 'x' } })),
    'code, too soon': asking(sent, problem('throttled', { retry_after: 40 })),
    'sign in to link': step('sign_in_to_link'),
    'sign in to link, wrong': step('sign_in_to_link', problem('invalid_credentials')),
    'sign in to link, company': step('sign_in_to_link', problem('sso_required', { company_sign_in: true })),
    'sign in to link, mismatch': step('sign_in_to_link', problem('link_mismatch')),
    'confirm link': step('confirm_link'),
    'confirm link, untold': step('confirm_link', {
      external: { provider: 'facebook', name: null, email: null },
    }),
    'invitation, by everything': invited(['password', 'company', ...socialProviders], 'identity_other_email'),
    'invitation, by the company': invited(['company']),
    'invitation, only by the company': invited(['company'], 'sso_required'),
  };
}

t.test('the pages of social sign-in', async (t) => {
  const open = await startBrowser(t);
  const page = await open({ reducedMotion: 'reduce' });
  let shown: Page;
  // answered by the browser itself: nothing is sent anywhere
  await page.route('**/*', (route) =>
    route.request().url().endsWith('.css')
      ? route.fulfill({ contentType: 'text/css', body: look.stylesheet.text })
      : route.fulfill({ contentType: 'text/html; charset=utf-8', body: renderPage(shown, look).toString() }),
  );
  for (const [name, one] of Object.entries(pagesIn('en'))) {
    await t.test(name, async (t) => {
      shown = one;
      await page.goto('https://pages.test/');
      await checkUse(t, page);
    });
  }
  for (const locale of ['de', 'es', 'fr', 'ja']) {
    await t.test(`nothing is cut off on the narrowest phone: ${locale}`, async (t) => {
      await page.setViewportSize({ width: 320, height: 640 });
      for (const [name, one] of Object.entries(pagesIn(locale))) {
        shown = one;
        await page.goto('https://pages.test/');
        t.equal(await page.evaluate('document.documentElement.scrollWidth'), 320, name);
        t.equal(await page.evaluate('document.documentElement.lang'), locale);
      }
    });
  }
});
