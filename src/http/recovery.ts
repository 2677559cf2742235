/** The ways back in for people who cannot sign in yet, or any more: recovery pages and their actions. */
import type { Engine } from '../provider/provider.ts';
import { invitationRoutes } from './recovery/invitations.ts';
import { newPasswordRoutes } from './recovery/new-password.ts';
import { forgotPasswordRoutes } from './recovery/password-resets.ts';
import type { Route } from './route.ts';

export function recoveryRoutes(engine: () => Engine): Route[] {
  return [...forgotPasswordRoutes(engine), ...newPasswordRoutes(engine), ...invitationRoutes(engine)];
}
