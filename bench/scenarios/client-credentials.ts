/** A service gets itself a token: a JWT, for one API. */
import { clientCredentials } from '../drive/flows.ts';
import { besideEngine, besideHydra, besideKeycloak, besidePlain, flowScenario } from '../scenario.ts';

const operation = (target: Parameters<typeof clientCredentials>[0]) => () => clientCredentials(target);

export const clientCredentialsScenario = flowScenario({
  name: 'client-credentials',
  title: 'Client credentials (JWT, ES256)',
  clients: [64],
  isStateless: true,
  operation,
  yardsticks: async (bench) => [
    await besideEngine(bench, operation),
    await besidePlain(bench, 'signing alone, 100 times', '/sign'),
    ...(await besideKeycloak(bench, operation)),
    ...(await besideHydra(bench, operation)),
  ],
});
