import { z } from 'zod';
import type { Tx } from '../../context.ts';
import {
  assertNoMorePower,
  getClient,
  getLockedClient,
  listClients,
  maxOverlapSeconds,
  registerClient,
  removeClient,
  reviseClient,
  rotateClientSecret,
} from '../../core/clients/clients.ts';
import {
  client,
  clientParams,
  clientWithSecret,
  newClient,
  settingsOf,
  show,
  showWithSecret,
  withoutSecret,
  writable,
} from './client-schemas.ts';
import { type AnyOperation, type Call, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { given, idOf } from './schemas.ts';

const tag = 'Clients';
const read = { operator: 'admin:clients:read' } as const;
const write = { operator: 'admin:clients:write' } as const;

type Addressed = Readonly<{ params: z.output<typeof clientParams> }>;

const current = async (tx: Tx, { params }: Addressed) => show(await getLockedClient(tx, params.client_id));

/** Who could change how a client proves itself could act as it: not one that may more than the caller. */
async function assertOwnPower(
  tx: Tx,
  { params: { client_id: clientId } }: Addressed,
  { caller }: Call,
): Promise<void> {
  assertNoMorePower(caller.scopes, (await getLockedClient(tx, clientId)).scopes);
}

const power = 'Scopes of operators are given by operators who have them themselves: `insufficient_scope`.';

export const clientOperations: readonly AnyOperation[] = [
  reading({
    id: 'listClients',
    method: 'GET',
    url: '/clients',
    tag,
    summary: 'List the clients, in the order of their ids',
    access: read,
    query: pageQuery.extend({ product_id: idOf('prd').optional() }),
    answer: pageOf(client),
    handler: (ctx, { query: { product_id: productId } }, call) =>
      listPage(ctx, call, {
        rows: (window) => listClients(ctx.db, { ...window, productId }),
        keyOf: ({ clientId }) => clientId,
        show,
      }),
  }),
  changing({
    id: 'createClient',
    method: 'POST',
    url: '/clients',
    tag,
    summary: 'Create a client',
    description: `Its secret, where it has one, is made here and shown in this answer alone. ${power}`,
    access: write,
    body: newClient,
    status: 201,
    answer: clientWithSecret,
    failures: ['already_exists'],
    location: ({ client_id: clientId }) => `/clients/${clientId}`,
    shownLater: withoutSecret,
    change: async (tx, { body: { client_id: clientId, ...body } }, { caller }) => {
      assertNoMorePower(caller.scopes, body.scopes ?? []);
      const { name, first_party: firstParty, auth_method: authMethod, grant_types: grantTypes } = body;
      const applicationType = body.application_type ?? 'web';
      const required = { name, firstParty, applicationType, authMethod, grantTypes };
      return showWithSecret(
        await registerClient(tx, { ...given({ ...settingsOf(body), clientId }), ...required }),
      );
    },
  }),
  reading({
    id: 'getClient',
    method: 'GET',
    url: '/clients/{client_id}',
    tag,
    summary: 'Get a client',
    access: read,
    params: clientParams,
    answer: client,
    handler: async (ctx, { params }) => show(await getClient(ctx.db, params.client_id)),
  }),
  changing({
    id: 'updateClient',
    method: 'PATCH',
    url: '/clients/{client_id}',
    tag,
    summary: 'Change a client',
    description: `With another \`auth_method\` it loses what it proved itself by before; where it had no secret and needs one now, it is made and shown in this answer alone. ${power}`,
    access: write,
    params: clientParams,
    body: z.strictObject(writable).partial(),
    answer: clientWithSecret,
    current,
    shownLater: withoutSecret,
    change: async (tx, input, call) => {
      await assertOwnPower(tx, input, call);
      const { body, params } = input;
      assertNoMorePower(call.caller.scopes, body.scopes ?? []);
      return showWithSecret(await reviseClient(tx, params.client_id, given(settingsOf(body))));
    },
  }),
  changing({
    id: 'rotateClientSecret',
    method: 'POST',
    url: '/clients/{client_id}/rotate-secret',
    tag,
    summary: 'Give a client another secret',
    description: `The one before works beside it until the overlap is over; one that was before that, not any more. The new one is shown in this answer alone. ${power}`,
    access: write,
    params: clientParams,
    body: z.strictObject({
      overlap_seconds: z
        .int()
        .min(0)
        .max(maxOverlapSeconds)
        .meta({ description: '0 where the secret before has leaked.', examples: [86_400] }),
    }),
    answer: clientWithSecret,
    failures: ['action_not_available'],
    current,
    shownLater: withoutSecret,
    change: async (tx, input, call) => {
      await assertOwnPower(tx, input, call);
      const { params, body } = input;
      const overlapSeconds = body.overlap_seconds;
      return showWithSecret(await rotateClientSecret(tx, params.client_id, { overlapSeconds }));
    },
  }),
  changing({
    id: 'deleteClient',
    method: 'DELETE',
    url: '/clients/{client_id}',
    tag,
    summary: 'Delete a client, with everything that was granted to it',
    description:
      'Nobody is asked twice, not even for the client whose token this call is made with: then it is the last one. Another one for operators is made with `doorward client create-operator`.',
    access: write,
    params: clientParams,
    status: 204,
    current,
    change: (tx, { params }) => removeClient(tx, params.client_id),
  }),
];
