/** The pages the engine has to show by itself: when, and with which status. What they look like is not known here. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { chooseLocale, type Locale, preferredLocale } from '../kernel/locale.ts';
import { isInteractionGone } from './errors.ts';

/** Renders; given by the composition root, so that the engine's folder knows no HTML. */
export interface EngineHtml {
  error(problem: {
    readonly error: string;
    readonly description: string | undefined;
    readonly requestId: string;
    readonly locale: Locale;
  }): string;
  /** Asks whether to sign out, or (`confirmed`) goes on by itself. `form` is the engine's, with id `op.logoutForm`. */
  signOut(
    form: string,
    options: {
      readonly confirmed: boolean;
      readonly client: ShownClient | undefined;
      readonly locale: Locale;
    },
  ): string;
  signedOut(options: {
    readonly client: ShownClient | undefined;
    readonly startUrl: string | undefined;
    readonly locale: Locale;
  }): string;
  /** The engine's page with a form that submits itself, as a page of ours; undefined for any other page. */
  goOn(
    markup: string,
    options: { readonly client: ShownClient | undefined; readonly locale: Locale },
  ): string | undefined;
  /** The source expression of the script that submits a confirmed sign-out. */
  readonly autoSubmitSource: string;
}

interface ShownClient {
  readonly name: string;
  readonly first_party: boolean;
}

export interface EngineError {
  readonly error: string;
  readonly error_description?: string | undefined;
}

export interface EnginePages {
  error(koa: KoaContextWithOIDC, problem: EngineError, cause: unknown): void;
  signOut(koa: KoaContextWithOIDC, form: string): void;
  signedOut(koa: KoaContextWithOIDC): void;
  /** The one page that the engine's configuration has no say in. */
  goOn(koa: KoaContextWithOIDC): void;
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
      koa.vary('Accept');
      if (koa.accepts('json', 'html') !== 'html') {
        koa.body = { error: problem.error, error_description: problem.error_description };
        return;
      }
      const requestId = koa.response.get('x-request-id');
      const { error, error_description: description } = problem;
      show(koa, (locale) => html.error({ error, description, requestId, locale }));
    },

    /** A client that shows whom it signs out (a valid hint for this very session) needs no question. */
    signOut(koa, form) {
      const hint = koa.oidc.entities.IdTokenHint?.payload['sub'];
      const confirmed = hint !== undefined && hint === koa.oidc.session?.accountId;
      if (confirmed) allowScript(koa, html.autoSubmitSource);
      show(koa, (locale) => html.signOut(form, { confirmed, client: clientOf(koa), locale }));
    },

    signedOut(koa) {
      const startUrl = koa.oidc.client?.['start_url'] as string | undefined;
      show(koa, (locale) => html.signedOut({ client: clientOf(koa), startUrl, locale }));
    },

    goOn(koa) {
      const { body } = koa;
      if (typeof body !== 'string' || !koa.response.is('html') || !body.includes('<noscript>')) return;
      show(koa, (locale) => html.goOn(body, { client: clientOf(koa), locale }) ?? body);
    },
  };
}

function show(koa: KoaContextWithOIDC, render: (locale: Locale) => string): void {
  const locale = localeOf(koa);
  koa.type = 'html';
  koa.vary('Accept-Language');
  koa.set('content-language', locale);
  koa.body = render(locale);
}

/** What the client asks for (`ui_locales`, also RP-Initiated Logout §2), else what the browser prefers. */
function localeOf(koa: KoaContextWithOIDC): Locale {
  const asked = koa.oidc.params?.['ui_locales'];
  const browser = preferredLocale(koa.get('accept-language'));
  return typeof asked === 'string' ? chooseLocale(...asked.split(' '), browser) : browser;
}

function clientOf({ oidc: { client } }: KoaContextWithOIDC): ShownClient | undefined {
  if (client?.clientName === undefined) return undefined;
  return { name: client.clientName, first_party: client['first_party'] === true };
}

function allowScript(koa: KoaContextWithOIDC, source: string): void {
  const policy = koa.response.get('content-security-policy');
  koa.set('content-security-policy', policy.replace(/script-src [^;]*/, `$& ${source}`));
}
