/** The scenarios, in the order of a whole run. */
import type { Scenario } from './scenario.ts';
import { clientCredentialsScenario } from './scenarios/client-credentials.ts';
import { companyScenarios } from './scenarios/company.ts';
import { documentScenarios } from './scenarios/documents.ts';
import { eventLoopScenario } from './scenarios/event-loop.ts';
import { floodScenario } from './scenarios/flood.ts';
import { introspectionScenario } from './scenarios/introspection.ts';
import { leftScenario } from './scenarios/left.ts';
import { mondayMorningScenario } from './scenarios/monday-morning.ts';
import { passwordPagesScenario, passwordScenario } from './scenarios/password.ts';
import { pruningScenario } from './scenarios/pruning.ts';
import { refreshScenario } from './scenarios/refresh.ts';
import { singleSignOnScenario } from './scenarios/single-sign-on.ts';
import { startScenario } from './scenarios/start.ts';
import { userinfoScenario } from './scenarios/userinfo.ts';

export const scenarios: readonly Scenario[] = [
  clientCredentialsScenario,
  refreshScenario,
  introspectionScenario,
  userinfoScenario,
  ...documentScenarios,
  singleSignOnScenario,
  passwordScenario,
  passwordPagesScenario,
  mondayMorningScenario,
  ...companyScenarios,
  eventLoopScenario,
  floodScenario,
  leftScenario,
  pruningScenario,
  // the last: it tells of the memory of a process that has done all the others' work
  startScenario,
];
