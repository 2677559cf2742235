import { resendActivation } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

export const resendActivationRoute = (engine: () => Engine): Route =>
  actionRoute(engine, {
    name: 'resend-activation',
    transition: (_ctx, signIn) => resendActivation(signIn),
  });
