/** A browser at its company's identity provider: the pages of the rehearsal ones are walked as a person would. */
import type { Agent, Answer } from './agent.ts';

export interface Form {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The forms of a page, with what they would send. */
export function formsOf({ text }: Answer): Form[] {
  return [...text.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)].map(
    ([, action = '', inside = '']) => ({ action: unescape(action), fields: inputsOf(inside) }),
  );
}

function inputsOf(inside: string): Record<string, string> {
  const inputs = [...inside.matchAll(/<input\b([^>]*)>/g)].map(([, attributes = '']): [string, string] => {
    const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1];
    return [attribute('name') ?? '', unescape(attribute('value') ?? '')];
  });
  return Object.fromEntries(inputs.filter(([name]) => name !== ''));
}

function unescape(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

/** Signs in at the identity provider as `email`; the answer is what the identity provider sends the browser back with. */
export async function signInAtIdp(browser: Agent, location: string, email: string): Promise<Answer> {
  const desk = await browser.get(location);
  // already signed in there: straight back
  if (desk.location !== undefined || formsOf(desk).some(isAnswer)) return desk;
  const ticket = formsOf(desk)[0]?.fields['ticket'];
  if (ticket === undefined) throw new Error(`no form to sign in at ${location}: ${desk.status}`);
  return browser.post('/demo/idp/sign-in', { form: { ticket, email } });
}

/** What the browser carries to us: a SAML response, or a code by `form_post`. */
export function isAnswer({ action }: Form): boolean {
  return action.includes('/federation/');
}

/** Brings the identity provider's answer back to us, the way its protocol does; the answer is where that leads. */
export async function bringBack(browser: Agent, fromIdp: Answer): Promise<Answer> {
  const form = formsOf(fromIdp).find(isAnswer);
  if (form) {
    // a post from another site: none of our cookies come along
    const { cookies } = browser;
    browser.cookies = [];
    const posted = await browser.post(form.action, {
      form: form.fields,
      headers: { origin: 'https://idp.example', 'sec-fetch-site': 'cross-site' },
    });
    browser.cookies = [...cookies, ...browser.cookies];
    return posted;
  }
  if (fromIdp.location === undefined) throw new Error(`the identity provider answered ${fromIdp.status}`);
  return browser.get(fromIdp.location);
}

/** From the step that asks who one is to the step that stands after the company's sign-in. */
export async function signInByCompany(browser: Agent, step: Answer, email: string): Promise<Answer> {
  const left = await leaveForCompany(browser, step, email);
  const back = await bringBack(browser, await signInAtIdp(browser, left.json().location as string, email));
  return comeHome(browser, back);
}

/** Asks where an address belongs. */
export async function leaveForCompany(browser: Agent, step: Answer, email: string): Promise<Answer> {
  const { actions } = step.json() as { actions: Record<string, { href: string }> };
  return browser.post(actions['company']?.href ?? '', { json: { email } });
}

/** Follows to the sign-in's own step. */
export async function comeHome(browser: Agent, back: Answer): Promise<Answer> {
  let answer = back;
  for (let hops = 0; hops < 5 && answer.location !== undefined; hops += 1)
    answer = await browser.get(answer.location);
  return answer;
}
