/** Real sign-ins by each of the ways, told in the words of the login doctor. */
import type { Verdict } from '../../src/core/doctor/doctor.ts';
import { Agent, type Answer } from './agent.ts';
import type { TestApp } from './app.ts';
import { bringBack, comeHome, leaveForCompany, signInAtIdp } from './company.ts';
import { lastAttempt } from './demo-company.ts';
import { demoClient, RelyingParty, submitPassword, toStep } from './relying-party.ts';

/** What somebody tries. */
export interface Try {
  readonly email: string;
  /** The name of a client of the demo world. */
  readonly client: string;
  /** By id or slug. */
  readonly account?: string | undefined;
}

/** How it ended: the same words for what was foretold and for what came. */
export interface Ending {
  readonly outcome: Verdict['outcome'];
  readonly code?: string | undefined;
  /** Ids: of the account entered, or of those to choose among; not told of a denial. */
  readonly accounts?: readonly string[];
}

export function endingOf({ outcome, code, account, accounts }: Verdict): Ending {
  const ids = (accounts ?? (outcome === 'allowed' && account ? [account] : [])).map(({ id }) => id);
  return { outcome, code, accounts: ids };
}

async function begin({ issuer }: TestApp, { client, account }: Try) {
  const browser = new Agent(issuer);
  const party = new RelyingParty(issuer, demoClient(issuer, client));
  const started = await party.start(account === undefined ? {} : { account });
  return { browser, party, started, step: await toStep(browser, started.url) };
}

type Begun = Awaited<ReturnType<typeof begin>>;

/** With the right password, where there is one, at a browser that nobody knows. */
export async function tryPassword(app: TestApp, asked: Try): Promise<Ending> {
  const begun = await begin(app, asked);
  if (begun.step.status !== 200) return refusedClient(begun.step);
  return endOf(begun, await submitPassword(begun.browser, begun.step, asked.email));
}

/** As the person of this address at their company's identity provider; why it was refused its record says. */
export async function tryCompany(app: TestApp, asked: Try): Promise<Ending> {
  const begun = await begin(app, asked);
  const { browser, step } = begun;
  if (step.status !== 200) return refusedClient(step);
  const left = await leaveForCompany(browser, step, asked.email);
  if (left.status !== 200) return { outcome: 'cannot_prove', code: codeOf(left), accounts: [] };
  const { location } = left.json() as { location: string };
  const back = await comeHome(
    browser,
    await bringBack(browser, await signInAtIdp(browser, location, asked.email)),
  );
  const ending = await endOf(begun, back);
  if (ending.code !== 'company_sign_in_failed') return ending;
  return { ...ending, code: (await lastAttempt(app.ctx)).code ?? undefined };
}

function refusedClient(step: Answer): Ending {
  return { outcome: 'denied', code: (step.json() as { error: string }).error, accounts: [] };
}

function codeOf(answer: Answer): string | undefined {
  const { code, problem } = answer.json() as { code?: string; problem?: { code: string } | null };
  return code ?? problem?.code;
}

async function endOf({ browser, party, started }: Begun, answer: Answer): Promise<Ending> {
  const said = answer.json() as {
    step?: unknown;
    location?: string;
    accounts?: readonly { id: string }[];
  };
  switch (said.step) {
    case 'done':
      return {
        outcome: 'allowed',
        code: undefined,
        accounts: [await accountAt({ browser, party, started }, said)],
      };
    case 'choose_account':
      return {
        outcome: 'choose_account',
        code: undefined,
        accounts: (said.accounts ?? []).map(({ id }) => id),
      };
    case 'denied':
      return { outcome: 'denied', code: codeOf(answer), accounts: [] };
    default:
      return { outcome: 'cannot_prove', code: codeOf(answer), accounts: [] };
  }
}

/** Whom the client is told of, after consent where that is asked. */
async function accountAt(
  { browser, party, started }: Omit<Begun, 'step'>,
  { location = '' }: { location?: string },
): Promise<string> {
  let back = await browser.follow(location);
  if (back.status === 200) {
    const { actions } = back.json() as { actions: { consent: { href: string } } };
    const agreed = await browser.post(actions.consent.href, { json: { granted: true } });
    back = await browser.follow((agreed.json() as { location: string }).location);
  }
  const tokens = await party.finish(back.location, started);
  return tokens.claims()?.['account'] as string;
}
