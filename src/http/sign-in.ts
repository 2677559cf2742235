/** The sign-in journey's routes: one URL for each step and action, JSON and HTML alike. */
import type { Engine } from '../provider/provider.ts';
import type { Route } from './route.ts';
import { abortRoute } from './sign-in/abort.ts';
import { accountRoute } from './sign-in/account.ts';
import { codeRoute } from './sign-in/code.ts';
import { companyRoute } from './sign-in/company.ts';
import { consentRoute } from './sign-in/consent.ts';
import { linkRoute } from './sign-in/link.ts';
import { passwordRoute } from './sign-in/password.ts';
import { requestSeatRoute } from './sign-in/request-seat.ts';
import { resendActivationRoute } from './sign-in/resend-activation.ts';
import { restartRoute } from './sign-in/restart.ts';
import { socialRoute } from './sign-in/social.ts';
import { stepRoute } from './sign-in/step.ts';

export function signInRoutes(engine: () => Engine): Route[] {
  return [
    stepRoute(engine),
    passwordRoute(engine),
    companyRoute(engine),
    socialRoute(engine),
    codeRoute(engine),
    linkRoute(engine),
    accountRoute(engine),
    consentRoute(engine),
    requestSeatRoute(engine),
    resendActivationRoute(engine),
    restartRoute(engine),
    abortRoute(engine),
  ];
}
