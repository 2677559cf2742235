/** Forgotten passwords in tests: asked for over HTTP, decided by the job, and read as the mailbox's owner would. */
import type { Context } from '../../src/context.ts';
import { open } from '../../src/kernel/seal.ts';
import type { Agent, Answer } from './agent.ts';
import type { TestApp } from './app.ts';

export const newPassword = 'a new and rather long password';

/** Whatever decides what was asked for. */
interface Deciding extends Pick<TestApp, 'ctx'> {
  runJob(name: string): Promise<unknown>;
}

export interface Mailed {
  readonly token: string;
  readonly code: string;
}

/** Asks for a mail; the answer is the same for every address. */
export function askForReset(browser: Agent, email: string, interaction?: string): Promise<Answer> {
  return browser.post('/password-resets', {
    json: { email, ...(interaction !== undefined && { interaction }) },
  });
}

/** What waits in the outbox for an address, oldest first, of one template. */
export async function mailsTo(ctx: Context, email: string, template = 'password_reset') {
  return ctx.db
    .selectFrom('mailOutbox')
    .select(['id', 'template', 'recipient', 'locale', 'data', 'secretsSealed', 'expiresAt'])
    .where('recipient', '=', email)
    .where('template', '=', template)
    .orderBy('createdAt')
    .orderBy('id')
    .execute();
}

/** The links and codes an address was mailed, oldest first, once the job has decided what was asked for. */
export async function mailedResets(app: Deciding, email: string): Promise<Mailed[]> {
  await app.runJob('password resets');
  const mails = await mailsTo(app.ctx, email);
  return mails.map(
    ({ id, secretsSealed }) =>
      JSON.parse(open(app.ctx.config.secretKeys, secretsSealed ?? '', `mail_outbox/${id}`)) as Mailed,
  );
}

/** The last of them. */
export async function mailedReset(app: Deciding, email: string): Promise<Mailed> {
  const mailed = (await mailedResets(app, email)).at(-1);
  if (!mailed) throw new Error(`nothing was mailed to ${email}`);
  return mailed;
}

/** Asks and reads the mail. */
export async function obtainReset(app: TestApp, browser: Agent, email: string): Promise<Mailed> {
  const answer = await askForReset(browser, email);
  if (answer.status !== 202) throw new Error(answer.text);
  return mailedReset(app, email);
}

/** Follows the mailed link; the answer is where the browser ends. */
export function openLink(browser: Agent, token: string): Promise<Answer> {
  return browser.follow(`/password-resets/open?token=${token}`);
}

export function complete(
  browser: Agent,
  fields: { readonly token?: string; readonly password?: string } = {},
): Promise<Answer> {
  return browser.post('/password-resets/complete', { json: { password: newPassword, ...fields } });
}
