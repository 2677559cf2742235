/** OpenID's Config plan: discovery says what is true, and enough of it. */
import t from 'tap';
import { configModules } from './discovery.ts';
import { runPlan } from './suite.ts';

await runPlan(t, { name: 'oidcc-config-certification-test-plan', modules: configModules });
