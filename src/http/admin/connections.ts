import { deleteConnection, listConnections } from '../../core/connections/connections.ts';
import { accountParams } from './accounts.ts';
import {
  connection,
  connectionParams,
  connectionUrl,
  current,
  refOf,
  show,
  showNow,
  withDomains,
} from './connection-answer.ts';
import { attemptOperations } from './connection-attempts.ts';
import { bodyLimit, newConnection, revision } from './connection-bodies.ts';
import { prepareConnection, prepareRevision, writeConnection, writeRevision } from './connection-draft.ts';
import { keyOperations } from './connection-keys.ts';
import { lifeCycleOperations } from './connection-life-cycle.ts';
import { routingOperations } from './connection-routing.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';

const tag = 'Connections';
const read = { operator: 'admin:connections:read', admin: true } as const;
const write = { operator: 'admin:connections:write', admin: true } as const;

const ownOperations: readonly AnyOperation[] = [
  reading({
    id: 'listConnections',
    method: 'GET',
    url: '/accounts/{account_id}/connections',
    tag,
    summary: 'List the connections of an account, newest first',
    access: read,
    params: accountParams,
    query: pageQuery,
    answer: pageOf(connection),
    handler: (ctx, { params: { account_id: accountId } }, call) =>
      listPage(ctx, call, {
        rows: async (window) => withDomains(ctx, accountId, await listConnections(ctx.db, accountId, window)),
        keyOf: ({ connection: { id } }) => id,
        show: (routed) => show(ctx, routed),
      }),
  }),
  changing({
    id: 'createConnection',
    method: 'POST',
    url: '/accounts/{account_id}/connections',
    tag,
    summary: 'Make a draft of a connection',
    description:
      'SAML by `metadata_url`, which is fetched now and every day, or by `metadata_xml`; OpenID Connect by its issuer, whose configuration is fetched. What of us the company’s IT needs is in the answer.',
    access: write,
    params: accountParams,
    body: newConnection,
    bodyLimit,
    status: 201,
    answer: connection,
    failures: ['metadata_refused'],
    location: ({ id, account_id: accountId }) => `/accounts/${accountId}/connections/${id}`,
    prepare: (ctx, { params, body }) => prepareConnection(ctx, params.account_id, body),
    change: async (tx, { params }, { prepared }) =>
      showNow(tx, { ...params, connection_id: await writeConnection(tx, prepared) }),
  }),
  reading({
    id: 'getConnection',
    method: 'GET',
    url: connectionUrl,
    tag,
    summary: 'Get a connection',
    access: read,
    params: connectionParams,
    answer: connection,
    handler: (ctx, { params }) => showNow(ctx, params),
  }),
  changing({
    id: 'updateConnection',
    method: 'PATCH',
    url: connectionUrl,
    tag,
    summary: 'Change a connection',
    description:
      'It has to be tested again; a live one stays live, and sign-ins that are under way end. Another identity provider is meant by another `metadata_url`, `metadata_xml` or `issuer`, which is read now.',
    access: write,
    params: connectionParams,
    body: revision,
    bodyLimit,
    answer: connection,
    failures: ['metadata_refused'],
    current,
    prepare: (ctx, { params, body }) => prepareRevision(ctx, params, body),
    change: async (tx, { params, body }, { prepared }) => {
      await writeRevision(tx, params, { body, prepared });
      return showNow(tx, params);
    },
  }),
  changing({
    id: 'deleteConnection',
    method: 'DELETE',
    url: connectionUrl,
    tag,
    summary: 'Delete a connection',
    description: 'With all that it knows: whose identities its people are, above all. `disable` keeps that.',
    access: write,
    params: connectionParams,
    status: 204,
    current,
    change: (tx, { params }) => deleteConnection(tx, refOf(params)),
  }),
];

export const connectionOperations: readonly AnyOperation[] = [
  ...ownOperations,
  ...lifeCycleOperations,
  ...routingOperations,
  ...keyOperations,
  ...attemptOperations,
];
