/** The pages of My Company ID in every state, also those that no walk reaches, can be used by everybody, in every language. */
import t from 'tap';
import type { Step } from '../../src/core/sign-in/step.ts';
import { departurePage, testResultPage } from '../../src/pages/federation.ts';
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
const to = (href: string) => ({ method: 'POST', href, fields: [] }) as const;
const standing = {
  ...{ interaction: 'x', expires_at: 'x', login_hint: 'gina@globex.test', problem: null, remembered: null },
  client: {
    ...{ client_id: 'x', name: 'Assist', logo_uri: null, first_party: true },
    product: { slug: 'assist', name: 'Assist' },
  },
  actions: {
    ...{ password: to('/password'), company: to('/company'), forgot_password: to('/forgot') },
    ...{ restart: to('/restart'), abort: to('/abort') },
  },
};
const connection = { id: 'con_1', label: 'Globex Corporation International Workforce Identity' };
const longName = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress';
const identity = {
  ...{ issuer: 'https://idp.globex.test/metadata', subject: 'x'.repeat(255) },
  attributes: { [longName]: ['gina@globex.test'], groups: ['sales', 'support'] },
};

function pagesIn(locale: string): Record<string, Page> {
  const step = (given: object): Page =>
    stepPage({ ...standing, locale, ...given } as unknown as Step, locale);
  const problem = (code: string) => ({ code, case_id: 'SMT7-YV20', company_sign_in: true });
  const identify = (given: object): Page => step({ step: 'identify', ...given });
  const denial = {
    code: 'sso_required',
    case_id: 'SMT7-YV20',
    title: 'x',
    text: 'x',
    remedies: [{ text: 'x' }],
  };
  const form = { action: 'https://idp.test/', fields: { SAMLRequest: 'x' }, label: connection.label };
  const result = { label: connection.label, caseId: 'SMT7-YV20', identity };
  return {
    identify: identify({ login_hint: null }),
    'identify, suggested': identify({ problem: problem('invalid_credentials') }),
    'identify, required': identify({ problem: problem('sso_required') }),
    'identify, remembered': identify({ login_hint: null, remembered: connection }),
    'identify, remembered and suggested': identify({
      remembered: connection,
      problem: problem('sso_required'),
    }),
    company: step({ step: 'company', login_hint: null }),
    'company, failed': step({ step: 'company', problem: problem('company_sign_in_failed') }),
    'choose connection': step({
      step: 'choose_connection',
      connections: [connection, { id: 'con_2', label: 'Contractors' }],
    }),
    denied: step({ step: 'denied', ...denial }),
    departure: departurePage(form, locale),
    'test passed': testResultPage(
      { ...result, mapped: { email: 'gina@globex.test', groups: ['a', 'b'] } },
      locale,
    ),
    'test refused': testResultPage({ ...result, identity: undefined, code: 'saml_audience' }, locale),
  };
}

t.test('the pages of My Company ID', async (t) => {
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
