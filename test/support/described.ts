/** Every answer of the admin interface in every test is compared with what the OpenAPI document says of it. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Test } from 'tap';
import { openApi } from '../../src/http/admin.ts';

interface Media {
  readonly schema: object;
}

interface DescribedOperation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
(formats as unknown as (ajv: Ajv2020) => void)(ajv);
ajv.addSchema({ $id: 'openapi', components: openApi.components });

/** The validator of a schema out of the document. */
export function validatorOf(schema: object): ValidateFunction {
  return ajv.compile(
    JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"openapi#/components/')) as object,
  );
}

const validators = new Map<object, ValidateFunction>();

/** Answers of servers that are made from now on fail, loudly, where the document says something else. */
export function compareAnswers(t: Test): void {
  const onInstance = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onSend', async (request, reply, payload) => {
      const problem = problemWith(request, reply.statusCode, {
        type: String(reply.getHeader('content-type') ?? ''),
        payload,
      });
      if (problem !== undefined) {
        console.error(problem);
        throw new Error(problem);
      }
    });
  };
  subscribe('fastify.initialization', onInstance);
  t.teardown(() => unsubscribe('fastify.initialization', onInstance));
}

function problemWith(
  request: FastifyRequest,
  status: number,
  { type, payload }: { readonly type: string; readonly payload: unknown },
): string | undefined {
  const operation = operationOf(request);
  if (!operation || type.startsWith('text/html')) return undefined;
  const name = `${operation.operationId} answers ${status}`;
  const response = operation.responses[String(status)];
  if (!response) return status === 500 ? undefined : `${name}, which is not declared: ${String(payload)}`;
  const [mime = ''] = type.split(';');
  const media = response.content?.[mime];
  if (response.content && !media) return `${name} as ${type}`;
  if (!media || typeof payload !== 'string') return undefined;
  const validate = validators.get(media) ?? validatorOf(media.schema);
  validators.set(media, validate);
  if (validate(JSON.parse(payload))) return undefined;
  return `${name} otherwise than described: ${ajv.errorsText(validate.errors)}: ${payload}`;
}

function operationOf({ routeOptions, method }: FastifyRequest): DescribedOperation | undefined {
  const url = routeOptions.url ?? '';
  if (!url.startsWith('/api/v1/')) return undefined;
  const path = url.slice('/api/v1'.length).replaceAll(/:(\w+)/g, '{$1}');
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
  return openApi.paths[path]?.[verb] as DescribedOperation | undefined;
}
