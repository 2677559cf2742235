/** OpenID's Form Post plan for the code flow: the Basic plan, with every response sent as a form. */
import t from 'tap';
import { basicModules } from './basic.ts';
import { runPlan } from './suite.ts';

const name = 'oidcc-formpost-basic-certification-test-plan';
await runPlan(t, { name, modules: basicModules, responseMode: 'form_post' });
