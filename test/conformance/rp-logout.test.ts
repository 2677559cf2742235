/** OpenID's RP-Initiated Logout plan: who is signed out, and where the browser may be sent to then. */
import t from 'tap';
import { rpLogoutModules } from './rp-logout.ts';
import { runPlan } from './suite.ts';

await runPlan(t, { name: 'oidcc-rp-initiated-logout-certification-test-plan', modules: rpLogoutModules });
