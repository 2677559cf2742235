/** The engine's events as log lines of the request they belong to: its descriptions for clients are vague on purpose. */
import type { IncomingMessage } from 'node:http';
import type { errors, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Context } from '../context.ts';
import { noteTrouble, troubleMet } from '../db/patience.ts';
import { DatabaseTrouble } from '../db/trouble.ts';

const requestLog = Symbol('the log of this request');

/** Ties a raw request to its log. */
export function attachLog(req: IncomingMessage, log: Context['log']): void {
  (req as IncomingMessage & { [requestLog]?: Context['log'] })[requestLog] = log;
}

const refusals = [
  'authorization.error',
  'end_session.error',
  'grant.error',
  'introspection.error',
  'pushed_authorization_request.error',
  'revocation.error',
  'userinfo.error',
] as const;

export function logEngineEvents(provider: Provider): void {
  for (const event of refusals) {
    provider.on(event as 'grant.error', (koa: KoaContextWithOIDC, error: errors.OIDCProviderError) => {
      // our own JWT access tokens are answered by access-tokens.ts
      if (error.error === 'unsupported_token_type') return;
      const { error: code } = error;
      // a parser's message quotes what it could not read: a piece of a token, or of what the client asks about somebody
      const detail = error.cause instanceof SyntaxError ? 'cannot be parsed' : error.error_detail;
      logOf(koa)?.info(
        { event, code, detail, clientId: koa.oidc.client?.clientId },
        'refused by the protocol',
      );
    });
  }
  provider.on('server_error', (koa, error) => {
    // it may have happened to another request that waited for the same thing. Told when it is answered: provider.ts
    if (error instanceof DatabaseTrouble) noteTrouble(error);
    if (troubleMet()) return;
    logOf(koa)?.error({ err: error, route: koa.oidc.route }, 'fault in the protocol engine');
  });
  // without a listener of its own the framework below would write to the console
  (provider as NodeJS.EventEmitter).on('error', (error: Error, koa?: KoaContextWithOIDC) => {
    if (koa) logOf(koa)?.error({ err: error }, 'fault outside the protocol engine');
  });
}

function logOf(koa: KoaContextWithOIDC): Context['log'] | undefined {
  return (koa.req as IncomingMessage & { [requestLog]?: Context['log'] })[requestLog];
}
