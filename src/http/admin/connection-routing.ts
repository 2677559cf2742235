/** Which domains lead to a connection. */
import { z } from 'zod';
import { bindDomain, unbindDomain } from '../../core/connections/connections.ts';
import { connection, connectionParams, connectionUrl, current, refOf, showNow } from './connection-answer.ts';
import { inWireWords } from './connection-settings.ts';
import { type AnyOperation, changing } from './operation.ts';
import { given, givenEmail, idOf } from './schemas.ts';

const url = `${connectionUrl}/domains/{domain_id}` as const;
const params = connectionParams.extend({ domain_id: idOf('dom') });
const write = { operator: 'admin:connections:write', admin: true } as const;

export const routingOperations: readonly AnyOperation[] = [
  changing({
    id: 'bindConnectionDomain',
    method: 'PUT',
    url,
    tag: 'Connections',
    summary: 'Let a domain of the account lead to a connection',
    description: 'From when the domain is proven. What is said replaces what was said before.',
    access: write,
    params,
    body: z.strictObject({
      priority: z
        .int()
        .min(-1_000_000)
        .max(1_000_000)
        .optional()
        .meta({ description: 'Lower comes first; 0 when it is left out.', examples: [0] }),
      addresses: z
        .array(givenEmail)
        .min(1)
        .max(1000)
        .nullable()
        .optional()
        .meta({ description: 'Only these go this way, and before all others.', examples: [null] }),
    }),
    answer: connection,
    current,
    change: async (tx, { params, body: { priority, addresses } }) => {
      const binding = {
        domainId: params.domain_id,
        ...given({ priority, addresses: addresses ?? undefined }),
      };
      await inWireWords(() => bindDomain(tx, { ...refOf(params), ...binding }));
      return showNow(tx, params);
    },
  }),
  changing({
    id: 'unbindConnectionDomain',
    method: 'DELETE',
    url,
    tag: 'Connections',
    summary: 'Let a domain lead to a connection no more',
    access: write,
    params,
    status: 204,
    current,
    change: (tx, { params }) => unbindDomain(tx, { ...refOf(params), domainId: params.domain_id }),
  }),
];
