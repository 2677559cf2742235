/** The admin interface: every operation there is, and the document that describes them. */
import type { FastifyInstance } from 'fastify';
import type { Context } from '../context.ts';
import type { Engine } from '../provider/provider.ts';
import { referencePage } from '../pages/reference.ts';
import { accountOperations } from './admin/accounts.ts';
import { clientOperations } from './admin/clients.ts';
import { diagnoseOperations } from './admin/diagnose.ts';
import { eventOperations } from './admin/events.ts';
import { keyOperations } from './admin/keys.ts';
import { connectionOperations } from './admin/connections.ts';
import { domainOperations } from './admin/domains.ts';
import { meOperations } from './admin/me.ts';
import { openApiOf } from './admin/openapi.ts';
import type { AnyOperation } from './admin/operation.ts';
import { outboxOperations } from './admin/outbox.ts';
import { productOperations } from './admin/products.ts';
import { createRateLimit } from './admin/rate-limit.ts';
import { prefix, routeOf } from './admin/serve.ts';
import { signInOperations } from './admin/sign-ins.ts';
import { subscriptionOperations } from './admin/subscriptions.ts';
import { invitationOperations } from './admin/invitations.ts';
import { peopleOperations } from './admin/people.ts';
import { seatOperations } from './admin/seats.ts';
import { seatRequestOperations } from './admin/seat-requests.ts';
import { userOperations } from './admin/users.ts';
import { importOperations } from './admin/imports.ts';
import { sendPage } from './html.ts';
import { defineRoute, mount } from './route.ts';

export const operations: readonly AnyOperation[] = [
  ...accountOperations,
  ...productOperations,
  ...clientOperations,
  ...subscriptionOperations,
  ...userOperations,
  ...importOperations,
  ...peopleOperations,
  ...seatOperations,
  ...seatRequestOperations,
  ...invitationOperations,
  ...domainOperations,
  ...connectionOperations,
  ...signInOperations,
  ...eventOperations,
  ...diagnoseOperations,
  ...meOperations,
  ...keyOperations,
  ...outboxOperations,
];

export const openApi = openApiOf(operations);

/** In scopes of their own: they take JSON and nothing else, or files of the types they name, whatever other routes take. */
export async function mountAdmin(app: FastifyInstance, ctx: Context, engine: () => Engine): Promise<void> {
  const rateLimit = createRateLimit(ctx.config.apiRequestsPerMinute);
  const serve = (operation: AnyOperation) => routeOf(operation, { engine, rateLimit });
  await app.register((scope) => {
    scope.removeAllContentTypeParsers();
    const types = ['application/json', 'application/merge-patch+json'];
    const parse = scope.getDefaultJsonParser('error', 'error');
    scope.addContentTypeParser(types, { parseAs: 'string' }, parse);
    const routes = operations.filter((operation) => !('takes' in operation)).map(serve);
    mount(scope, ctx, [documentRoute, referenceRoute, ...routes]);
    return Promise.resolve();
  });
  for (const operation of operations) {
    if (!('takes' in operation)) continue;
    const { takes, limit: bodyLimit } = operation;
    await app.register((scope) => {
      scope.removeAllContentTypeParsers();
      const keep = (_request: unknown, bytes: Buffer, done: (error: null, body: Buffer) => void) => {
        done(null, bytes);
      };
      scope.addContentTypeParser(Object.keys(takes), { parseAs: 'buffer', bodyLimit }, keep);
      mount(scope, ctx, [serve(operation)]);
      return Promise.resolve();
    });
  }
}

const documentRoute = defineRoute({
  method: 'GET',
  url: `${prefix}/openapi.json`,
  access: 'public',
  schema: {},
  handler: async () => openApi,
});

const referenceRoute = defineRoute({
  method: 'GET',
  url: prefix,
  access: 'public',
  schema: {},
  handler: async (_ctx, _input, { reply }) => sendPage(reply, referencePage(openApi)),
});
