/** Browsers at the rehearsal identity providers, where things go wrong on request. */
import { Agent, type Answer } from './agent.ts';
import { type Form, formsOf } from './company.ts';

/** A browser that shows pages. */
export function openBrowser(issuer: string): Agent {
  return new Agent(issuer, 'text/html');
}

/** The first form of a page; an empty one where there is none. */
export function formOf(page: Answer): Form {
  return formsOf(page)[0] ?? { action: '', fields: {} };
}

/** Says who one is, on the page that asks. */
export async function sayWho(browser: Agent, page: Answer, email: string): Promise<Answer> {
  const { action, fields } = formOf(page);
  return browser.post(action, { form: { ...fields, email } });
}

export async function switchFault(browser: Agent, fault: string): Promise<void> {
  const answer = await browser.post('/demo/idp/faults', { json: { fault } });
  if (answer.status !== 303) throw new Error(`the fault ${fault} cannot be switched on`);
}
