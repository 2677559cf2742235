/** OpenID's Basic plan: an authorization server for the code flow. */
import t from 'tap';
import { basicModules } from './basic.ts';
import { runPlan } from './suite.ts';

await runPlan(t, { name: 'oidcc-basic-certification-test-plan', modules: basicModules });
