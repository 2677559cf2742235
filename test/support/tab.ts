/** One tab of a browser with one sign-in in it, worked by either face: JSON as a vendor's page, HTML as the built-in ones. */
import { demoPassword } from '../../src/demo/world.ts';
import { Agent, type Answer } from './agent.ts';
import type { RelyingParty, Started } from './relying-party.ts';

export type Face = 'application/json' | 'text/html';
export const faces: readonly Face[] = ['application/json', 'text/html'];

export interface Tab {
  readonly face: Face;
  readonly browser: Agent;
  readonly party: RelyingParty;
  readonly started: Started;
  readonly uid: string;
}

interface TabOptions {
  readonly face: Face;
  /** The browser that has the tab; one of its own when none is given. */
  readonly browser?: Agent;
  readonly extra?: Readonly<Record<string, string>>;
}

/** Starts a sign-in at the client and waits at its first step. */
export async function openTab(party: RelyingParty, { face, extra = {}, ...given }: TabOptions): Promise<Tab> {
  const browser = given.browser ?? new Agent(party.issuer, face);
  const started = await party.start(extra);
  const { url, text } = await browser.follow(started.url.href);
  const uid = /\/sign-in\/([\w-]+)$/.exec(new URL(url).pathname)?.[1];
  if (uid === undefined) throw new Error(`no step was shown: ${text}`);
  return { face, browser, party, started, uid };
}

/** Does what a person can do at the step: posts JSON, or the form. */
export async function act(
  { face, browser, uid }: Tab,
  action: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const body = face === 'text/html' ? { form: fields } : { json: fields };
  return browser.post(`/sign-in/${uid}/${action}`, body);
}

export async function typePassword(tab: Tab, email: string, password = demoPassword): Promise<Answer> {
  return act(tab, 'password', { email, password });
}

/** The step's own address: what a reload or a bookmark asks for. */
export async function look({ browser, uid }: Tab): Promise<Answer> {
  return browser.get(`/sign-in/${uid}`);
}

/** Goes where an answer leads, until it is a page or the client. */
export async function goOn({ face, browser, uid }: Tab, answer: Answer): Promise<Answer> {
  if (face === 'text/html') return browser.follow(answer.location ?? `/sign-in/${uid}`);
  const said = answer.json() as { location?: string; step?: { location?: string } };
  return browser.follow(said.location ?? said.step?.location ?? `/sign-in/${uid}`);
}

/** Goes on to the client, which exchanges its code with every check it makes. */
export async function arrive(tab: Tab, answer: Answer) {
  return tab.party.finish((await goOn(tab, answer)).location, tab.started);
}

const marks: readonly [step: string, mark: RegExp][] = [
  ['denied', /data-code="/],
  ['consent', /name="granted"/],
  ['choose_account', /name="account"/],
  ['identify', /name="password"/],
];

/** Which step an answer shows, in a problem as well. */
export function stepOf(answer: Answer): string | undefined {
  if (answer.headers.get('content-type')?.startsWith('text/html'))
    return answer.status === 410 ? 'expired' : marks.find(([, mark]) => mark.test(answer.text))?.[0];
  const { step } = answer.json() as { step?: string | { step: string } };
  return typeof step === 'object' ? step.step : step;
}
