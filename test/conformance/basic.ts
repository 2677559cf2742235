/** The modules of the Basic plan, which are those of the Form Post plan as well: described once, run by each. */
import { requestModules } from './modules-requests.ts';
import { requestObjectModules } from './modules-request-objects.ts';
import { signInModules } from './modules-sign-in.ts';
import { tokenModules } from './modules-tokens.ts';
import { userinfoModules } from './modules-userinfo.ts';
import type { Modules } from './suite.ts';

export const basicModules = {
  ...requestModules,
  ...userinfoModules,
  ...signInModules,
  ...tokenModules,
  ...requestObjectModules,
} satisfies Modules<'oidcc-basic-certification-test-plan'>;
