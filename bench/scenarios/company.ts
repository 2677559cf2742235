/** Somebody signs in by their company: from the product to its identity provider, and back to the tokens. No yardstick has it. */
import type { Operation } from '../drive/load.ts';
import type { FlowFinding } from '../findings.ts';
import { measureAlone } from '../measure/alone.ts';
import { compare, type Side } from '../measure/compare.ts';
import type { Scenario } from '../scenario.ts';
import type { Company } from '../world/company.ts';
import { signInByCompany } from '../../test/support/company.ts';
import { demoClient, RelyingParty, toStep } from '../../test/support/relying-party.ts';

interface Kind {
  readonly name: string;
  readonly title: string;
  readonly email: string;
}

const kinds: readonly Kind[] = [
  { name: 'company-saml', title: 'Company sign-in, SAML', email: 'gina@globex.test' },
  { name: 'company-oidc', title: 'Company sign-in, OpenID Connect', email: 'ian@initech.test' },
];

export const companyScenarios: readonly Scenario[] = kinds.map(({ name, title, email }) => ({
  name,
  async run(bench): Promise<FlowFinding[]> {
    const company = await bench.company();
    const operation = companyOperation(company, email);
    // few at once: it is one person, whose row they all update
    const clients = 4;
    const side: Side = {
      name: 'service',
      pid: company.service.pid,
      postgresPid: bench.postgres.pid,
      operation,
    };
    const [measured] = await compare([side], { ...bench.amounts, clients });
    if (!measured) throw new Error('nothing was measured');
    const { smoke } = bench.options;
    const few = { flows: smoke ? 2 : 20, idleMs: smoke ? 500 : 3000 };
    const alone = await measureAlone(company.databaseUrl, operation, few);
    return [{ kind: 'flow', name, title, clients, service: measured.numbers, yardsticks: {}, alone }];
  },
}));

export function companyOperation(company: Company, email: string): Operation {
  const party = new RelyingParty(company.issuer, demoClient(company.issuer, 'assist'));
  return async () => {
    const browser = company.newBrowser();
    const started = await party.start({ resource: 'https://api.assist.test' });
    const step = await toStep(browser, started.url);
    const done = await signInByCompany(browser, step, email);
    const { location } = done.json() as { location?: string };
    if (location === undefined) throw new Error(`the sign-in ended at ${done.text.slice(0, 300)}`);
    const back = await browser.follow(location);
    const code = new URL(back.location ?? company.issuer).searchParams.get('code');
    const answer = await browser.post('/token', {
      form: {
        grant_type: 'authorization_code',
        code: code ?? '',
        code_verifier: started.codeVerifier,
        redirect_uri: party.client.redirectUri,
        client_id: party.client.clientId,
      },
    });
    if (answer.status !== 200) throw new Error(`no tokens: ${answer.text.slice(0, 300)}`);
  };
}
