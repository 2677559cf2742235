/** What every relying party reads: metadata and keys. Beside it a trivial route that answers as many bytes. */
import { discovery, jwks } from '../drive/flows.ts';
import type { Target } from '../drive/target.ts';
import { besideEngine, besidePlain, flowScenario, type Scenario } from '../scenario.ts';

interface Document {
  readonly name: string;
  readonly title: string;
  readonly path: string;
  readonly read: (target: Target) => Promise<void>;
}

export const documentScenarios: readonly Scenario[] = [
  { name: 'discovery', title: 'Discovery', path: '/.well-known/openid-configuration', read: discovery },
  { name: 'jwks', title: 'JWKS', path: '/jwks', read: jwks },
].map(({ name, title, path, read }: Document) => {
  const operation = (target: Target) => () => read(target);
  return flowScenario({
    name,
    title,
    clients: [64],
    isStateless: true,
    operation,
    yardsticks: async (bench, ours) => {
      const { text } = await ours.wire.get(path);
      return [
        await besidePlain(bench, 'trivial Fastify route', `/json/${text.length}`),
        await besideEngine(bench, operation),
      ];
    },
  });
});
