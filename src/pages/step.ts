/** The page of each step: it renders the same Step that the JSON answers with, and posts to the same actions. */
import type { Step } from '../core/sign-in/step.ts';
import { chooseAccountPage } from './choose-account.ts';
import { chooseConnectionPage } from './choose-connection.ts';
import { codePage } from './code.ts';
import { companyPage } from './company.ts';
import { confirmLinkPage } from './confirm-link.ts';
import { consentPage } from './consent.ts';
import { deniedPage } from './denied.ts';
import { errorPage, type ShownProblem } from './error.ts';
import { expiredPage } from './expired.ts';
import { identifyPage } from './identify.ts';
import type { Page } from './layout.ts';
import { signInToLinkPage } from './sign-in-to-link.ts';
import { texts } from './text/texts.ts';

/** `problem` is what stops the step itself from being shown: that the service is busy, say. */
export function stepPage(step: Step, locale: string, problem?: ShownProblem): Page {
  if (problem && step.step !== 'expired')
    return errorPage(problem, locale, 'interaction' in step ? `/sign-in/${step.interaction}` : undefined);
  const t = texts(locale);
  switch (step.step) {
    case 'identify':
      return identifyPage(step, t);
    case 'company':
      return companyPage(step, t);
    case 'choose_connection':
      return chooseConnectionPage(step, t);
    case 'code':
      return codePage(step, t);
    case 'sign_in_to_link':
      return signInToLinkPage(step, t);
    case 'confirm_link':
      return confirmLinkPage(step, t);
    case 'choose_account':
      return chooseAccountPage(step, t);
    case 'consent':
      return consentPage(step, t);
    case 'denied':
      return deniedPage(step, t);
    case 'expired':
      return expiredPage(step, locale);
    case 'redirect':
    case 'done':
      throw new Error('a step that leads elsewhere has no page: the browser is sent on');
  }
}
