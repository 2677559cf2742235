/** One visit to a sign-in: whatever happens, the caller learns where it stands, as JSON or as a page. */
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { nextStep, type SignIn, type Step, type Transition } from '../../core/sign-in/sign-in.ts';
import { Failure } from '../../kernel/failures.ts';
import { stepPage } from '../../pages/step.ts';
import { findExpiredStep, openSignIn } from '../../provider/interactions.ts';
import type { Engine } from '../../provider/provider.ts';
import { sendPage, wantsHtml } from '../html.ts';
import { problemOf } from '../problems.ts';
import type { Wire } from '../route.ts';

/** The interaction's id as it stands in an address. */
export const uidParams = z.object({ uid: z.string().regex(/^[\w-]{21,64}$/) });

type Opened = Awaited<ReturnType<typeof openSignIn>>;
type Result = { readonly signIn: SignIn; readonly problem?: Transition['problem'] };
type Visit = Wire & { readonly uid: string };

/** Opens the sign-in for this browser, does the work, and answers with the step or with the problem and the step. */
export async function visitSignIn(
  engine: Engine,
  ctx: Context,
  visit: Visit,
  work: (opened: Opened) => Promise<Result>,
) {
  const { request, reply, uid: id } = visit;
  let opened: Opened | undefined;
  try {
    opened = await openSignIn(engine, ctx, { req: request.raw, res: reply.raw, uid: id });
    const { signIn, problem } = await work(opened);
    if (!problem) return await sendStep(ctx, visit, nextStep(signIn));
    const { code, ...details } = problem;
    return await sendStepProblem(visit, new Failure(code, details), nextStep(signIn), problem.caseId);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const isExpired = error.code === 'interaction_expired' || !opened;
    const step = isExpired ? await findExpiredStep(engine, ctx, id) : nextStep((opened as Opened).signIn);
    return sendStepProblem(visit, error, step);
  }
}

async function sendStep(ctx: Context, { request, reply, uid: id }: Visit, step: Step) {
  if (!wantsHtml(request)) return reply.send(step);
  if (step.step === 'done') return reply.redirect(step.location, 303);
  // after a POST always 303, never 307: the password must not be posted on
  if (request.method === 'POST') return reply.redirect(`/sign-in/${id}`, 303);
  const { signInUrl } = ctx.config;
  if (signInUrl !== undefined) return reply.redirect(withInteraction(signInUrl, id), 303);
  return sendPage(reply, stepPage(step));
}

/** JSON: the problem with the step that stands. HTML: back to that step's page, which shows what went wrong. */
function sendStepProblem({ request, reply, uid: id }: Visit, failure: Failure, step: Step, caseId?: string) {
  const problem = problemOf(failure, request.id);
  request.log.info({ code: failure.code, caseId }, 'refused');
  if (problem.status === 503) void reply.header('retry-after', '1');
  if (!wantsHtml(request)) {
    const body = { ...problem, ...(caseId !== undefined && { case_id: caseId }), step };
    return reply.status(problem.status).type('application/problem+json').send(body);
  }
  if (step.step === 'expired' || problem.status >= 500)
    return sendPage(reply.status(problem.status), stepPage(step, problem));
  return reply.redirect(`/sign-in/${id}`, 303);
}

function withInteraction(page: string, id: string): string {
  const url = new URL(page);
  url.searchParams.set('interaction', id);
  return url.href;
}
