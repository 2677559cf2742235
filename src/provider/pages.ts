/** The pages the engine has to show by itself: when, and with which status. What they look like is not known here. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { isInteractionGone } from './errors.ts';

/** Renders; given by the composition root, so that the engine's folder knows no HTML. */
export interface EngineHtml {
  error(problem: {
    readonly error: string;
    readonly description: string | undefined;
    readonly requestId: string;
  }): string;
  /** Asks whether to sign out, or (`confirmed`) goes on by itself. `form` is the engine's, with id `op.logoutForm`. */
  signOut(
    form: string,
    options: { readonly confirmed: boolean; readonly clientName: string | undefined },
  ): string;
  signedOut(options: {
    readonly clientName: string | undefined;
    readonly startUrl: string | undefined;
  }): string;
  /** The source expression of the script that submits a confirmed sign-out. */
  readonly autoSubmitSource: string;
}

export interface EngineError {
  readonly error: string;
  readonly error_description?: string | undefined;
}

export interface EnginePages {
  error(koa: KoaContextWithOIDC, problem: EngineError, cause: unknown): void;
  signOut(koa: KoaContextWithOIDC, form: string): void;
  signedOut(koa: KoaContextWithOIDC): void;
}

export function createEnginePages(html: EngineHtml): EnginePages {
  return {
    error(koa, problem, cause) {
      // back button, bookmark, second window: a page says where to start again. It is told that this one has ended,
      // because the step itself may still stand and would send the browser back here
      if (koa.oidc.route === 'resume' && isInteractionGone(cause)) {
        koa.status = 303;
        koa.redirect(`/sign-in/${koa.path.split('/').at(-1) ?? ''}?ended`);
        return;
      }
      if (koa.accepts('json', 'html') !== 'html') {
        koa.body = { error: problem.error, error_description: problem.error_description };
        return;
      }
      koa.type = 'html';
      const requestId = koa.response.get('x-request-id');
      koa.body = html.error({ error: problem.error, description: problem.error_description, requestId });
    },

    /** A client that shows whom it signs out (a valid hint for this very session) needs no question. */
    signOut(koa, form) {
      const hint = koa.oidc.entities.IdTokenHint?.payload['sub'];
      const confirmed = hint !== undefined && hint === koa.oidc.session?.accountId;
      if (confirmed) allowScript(koa, html.autoSubmitSource);
      koa.body = html.signOut(form, { confirmed, clientName: koa.oidc.client?.clientName });
    },

    signedOut(koa) {
      const { client } = koa.oidc;
      koa.type = 'html';
      koa.body = html.signedOut({
        clientName: client?.clientName,
        startUrl: client?.['start_url'] as string | undefined,
      });
    },
  };
}

function allowScript(koa: KoaContextWithOIDC, source: string): void {
  const policy = koa.response.get('content-security-policy');
  koa.set('content-security-policy', policy.replace(/script-src [^;]*/, `$& ${source}`));
}
