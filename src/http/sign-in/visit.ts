/** One visit to a sign-in: whatever comes of it, the caller learns where it stands, as JSON or as a page. */
import { z } from 'zod';
import type { Context } from '../../context.ts';
import {
  nextStep,
  redirectStep,
  type SignIn,
  type Step,
  type Transition,
} from '../../core/sign-in/sign-in.ts';
import { Failure } from '../../kernel/failures.ts';
import { stepPage } from '../../pages/step.ts';
import { findExpiredStep, openSignIn } from '../../provider/interactions.ts';
import type { Engine } from '../../provider/provider.ts';
import { localeOf, sendPage, varies, wantsHtml } from '../html.ts';
import { problemOf, setRetryAfter } from '../problems.ts';
import type { Wire } from '../route.ts';

/** The interaction's id as it stands in an address. */
export const uidParams = z.object({ uid: z.string().regex(/^[\w-]{21,64}$/) });

type Opened = Awaited<ReturnType<typeof openSignIn>>;

interface Result {
  readonly signIn: SignIn;
  readonly problem?: Transition['problem'];
  /** Where the browser leaves for; what stands is what it comes back to. */
  readonly leaveFor?: string | undefined;
}

export interface Visit extends Wire {
  readonly engine: Engine;
  readonly ctx: Context;
  readonly uid: string;
}

/** Opens the sign-in for this browser, does the work, and answers with the step or with the problem and the step. */
export async function visitSignIn(visit: Visit, work: (opened: Opened) => Promise<Result>) {
  const { engine, ctx, request, reply, uid } = visit;
  let opened: Opened | undefined;
  try {
    opened = await openSignIn(engine, ctx, { req: request.raw, res: reply.raw, uid });
    const { signIn, problem, leaveFor } = await work(opened);
    if (leaveFor !== undefined) return await sendStep(visit, redirectStep(signIn, leaveFor));
    if (!problem) return await sendStep(visit, nextStep(signIn));
    const { code, caseId, companySignIn, ...details } = problem;
    const standing = { step: nextStep(signIn), caseId, companySignIn };
    return await sendStepProblem(visit, new Failure(code, details), standing);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (!opened || error.code === 'interaction_expired') return sendExpired(visit, error);
    return sendStepProblem(visit, error, { step: nextStep(opened.signIn) });
  }
}

/** The interaction is over for this browser, whatever the reason. */
export async function sendExpired(visit: Visit, failure = new Failure('interaction_expired')) {
  return sendStepProblem(visit, failure, { step: await findExpiredStep(visit.engine, visit.ctx, visit.uid) });
}

async function sendStep({ ctx, request, reply, uid }: Visit, step: Step) {
  if (step.step === 'denied') request.log.info({ code: step.code, caseId: step.case_id }, 'access denied');
  if (!wantsHtml(request)) return varies(reply).send(step);
  if (step.step === 'done' || step.step === 'redirect') return reply.redirect(step.location, 303);
  // after a POST always 303, never 307: the password must not be posted on
  if (request.method === 'POST') return reply.redirect(`/sign-in/${uid}`, 303);
  const { signInUrl } = ctx.config;
  if (signInUrl !== undefined) return reply.redirect(withInteraction(signInUrl, uid), 303);
  return sendPage(reply, stepPage(step, shownLocale(step, request)));
}

interface Standing {
  readonly step: Step;
  readonly caseId?: string | undefined;
  readonly companySignIn?: true | undefined;
}

/** JSON: the problem with the step that stands. HTML: back to that step's page, which shows what went wrong. */
function sendStepProblem(visit: Visit, failure: Failure, { step, caseId, companySignIn }: Standing) {
  const { request, reply, uid } = visit;
  const problem = problemOf(failure, request.id);
  request.log.info({ code: failure.code, caseId }, 'refused');
  if (!wantsHtml(request)) {
    setRetryAfter(reply, problem.status, failure);
    const known = {
      ...(caseId !== undefined && { case_id: caseId }),
      ...(companySignIn && { company_sign_in: true }),
    };
    const body = { ...problem, ...known, step };
    return varies(reply).status(problem.status).type('application/problem+json').send(body);
  }
  if (step.step === 'expired' || problem.status >= 500) {
    setRetryAfter(reply, problem.status, failure);
    return sendPage(reply.status(problem.status), stepPage(step, shownLocale(step, request), problem));
  }
  return reply.redirect(`/sign-in/${uid}`, 303);
}

/** The sign-in's; where there is none any more, the browser's. */
function shownLocale(step: Step, request: Wire['request']): string {
  return 'locale' in step ? step.locale : localeOf(request);
}

function withInteraction(page: string, uid: string): string {
  const url = new URL(page);
  url.searchParams.set('interaction', uid);
  return url.href;
}
