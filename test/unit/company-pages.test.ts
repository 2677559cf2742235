/** The pages of My Company ID: what their forms send, and where they lead. */
import t from 'tap';
import type { Step } from '../../src/core/sign-in/step.ts';
import { departurePage } from '../../src/pages/federation.ts';
import { stepPage } from '../../src/pages/step.ts';

const to = (path: string) => ({ method: 'POST', href: path, fields: [] }) as const;
const identifyStep = {
  ...{ step: 'identify', interaction: 'x', expires_at: 'x', locale: 'en', problem: null, remembered: null },
  client: { client_id: 'x', name: 'x', logo_uri: null, product: null, first_party: true },
  actions: { password: to('/password'), company: to('/company'), abort: to('/abort') },
  login_hint: 'ian@initech.test',
};

const problems = [
  null,
  { code: 'invalid_credentials' },
  { code: 'invalid_credentials', company_sign_in: true },
  { code: 'sso_required', company_sign_in: true },
  { code: 'company_not_found' },
];

t.test('a company that is suggested gets the typed address along, and no password', async (t) => {
  const { actions } = identifyStep;
  for (const code of ['invalid_credentials', 'sso_required'] as const) {
    const page = contentOf({ ...identifyStep, problem: { code, company_sign_in: true } });
    t.same(formsTo(page, actions.company.href), [{ email: 'ian@initech.test' }], code);
    t.equal(page.match(/type="password"/g)?.length, 1, 'the password stands in a form of its own');
  }
  const unasked = contentOf(identifyStep);
  t.same(
    formsTo(unasked, actions.company.href),
    [{}],
    'without a suggestion it leads to the page of its own',
  );
});

t.test('a company that is remembered is named by its id alone', async (t) => {
  const remembered = { id: 'con_1', label: 'Initech' } as const;
  const page = contentOf({ ...identifyStep, remembered });
  t.same(formsTo(page, identifyStep.actions.company.href), [{ connection: 'con_1' }, {}]);
});

t.test('where the company is the remedy its button knows the address', async (t) => {
  const company = {
    ...to('/company'),
    fields: [{ name: 'email', type: 'email', value: 'gina@globex.test' }],
  };
  const denied = { step: 'denied', code: 'sso_required', case_id: 'x', title: 'x', text: 'x', remedies: [] };
  const page = contentOf({ ...identifyStep, ...denied, actions: { company } });
  t.same(formsTo(page, '/company'), [{ email: 'gina@globex.test' }]);
});

t.test('a page asks for one thing above all', async (t) => {
  for (const problem of problems) {
    for (const remembered of [null, { id: 'con_1', label: 'Initech' }]) {
      const page = contentOf({ ...identifyStep, problem, remembered });
      t.equal(page.match(/class="primary"/g)?.length, 1, JSON.stringify({ problem, remembered }));
    }
  }
});

t.test('a step that leads elsewhere has no page', async (t) => {
  for (const name of ['redirect', 'done'])
    t.throws(() => contentOf({ ...identifyStep, step: name, location: 'https://idp.test/' }));
});

t.test(
  'the form to an identity provider carries what it was given, and nothing runs by itself',
  async (t) => {
    const fields = { SAMLRequest: 'PHg+', RelayState: '"><script>' };
    const action = 'https://idp.test/sso?a=1&b=2';
    const page = departurePage({ action, fields, label: 'Globex' }, 'en').content.toString();
    t.same(formsTo(page, action.replace('&', '&amp;')), [
      { SAMLRequest: 'PHg+', RelayState: '&quot;&gt;&lt;script&gt;' },
    ]);
    t.notMatch(page, /<script|onload|onclick/i);
  },
);

function contentOf(step: object): string {
  return stepPage(step as Step, 'en').content.toString();
}

/** What each form with this address sends along unseen. */
function formsTo(markup: string, action: string): Record<string, string>[] {
  const forms = markup.split('<form ').filter((form) => form.includes(`action="${action}"`));
  return forms.map((form) => {
    const hidden = form.split('</form>', 1)[0]?.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g);
    return Object.fromEntries(Array.from(hidden ?? [], ([, name = '', value = '']) => [name, value]));
  });
}
