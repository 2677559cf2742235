/** To the provider. @see OpenID Connect Core §3.1.2.1 */
import {
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
} from 'openid-client';
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { OidcConnection } from '../../core/connections/connections.ts';
import { addSeconds } from '../../kernel/time.ts';
import { type Ask, isRefusal, type Memory, type Way } from '../connector.ts';
import { redirectUriOf } from './client.ts';
import type { Metadata } from './documents.ts';
import { withProvider } from './provider.ts';
import { judge } from './refusing.ts';
import { domainHint } from './tenants.ts';

export async function depart(ctx: Context, connection: OidcConnection, ask: Ask): Promise<Way | Refusal> {
  return withProvider<Way>(ctx, connection, async ({ configuration, metadata }) => {
    const memory = rememberFor(ask, { metadata, now: ctx.now() });
    const parameters = await parametersOf(ctx, connection, { ask, memory });
    const built = await judge('oidc_metadata', () => buildAuthorizationUrl(configuration, parameters));
    return isRefusal(built) ? built : { location: built.answer.href, memory };
  });
}

function rememberFor(
  { forceAuthn, maxAge }: Ask,
  { metadata, now }: { readonly metadata: Metadata; readonly now: Date },
): Memory {
  const age = forceAuthn ? 0 : maxAge;
  return {
    nonce: randomNonce(),
    ...(takesPkce(metadata) && { codeVerifier: randomPKCECodeVerifier() }),
    ...(age !== undefined && { notBefore: addSeconds(now, -age).toISOString() }),
  };
}

/** One that does not say gets it too: it must ignore what it does not know (RFC 6749 §3.1). */
function takesPkce({ code_challenge_methods_supported: methods }: Metadata): boolean {
  return methods?.includes('S256') ?? true;
}

async function parametersOf(
  ctx: Context,
  connection: OidcConnection,
  { ask, memory }: { readonly ask: Ask; readonly memory: Memory },
): Promise<Record<string, string>> {
  const { token, loginHint, forceAuthn, maxAge } = ask;
  const { nonce, codeVerifier } = memory;
  // `max_age` obliges the provider to say when it was proven; `prompt` alone does not (OpenID Connect Core §2)
  const age = forceAuthn ? 0 : maxAge;
  return {
    redirect_uri: redirectUriOf(ctx, connection),
    scope: connection.settings.scopes.join(' '),
    state: token,
    ...(nonce !== undefined && { nonce }),
    ...(codeVerifier !== undefined && {
      code_challenge: await calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    }),
    ...(loginHint !== undefined && { login_hint: loginHint }),
    ...domainHint(connection.settings, loginHint),
    ...(forceAuthn && { prompt: 'login' }),
    ...(age !== undefined && { max_age: String(age) }),
  };
}
