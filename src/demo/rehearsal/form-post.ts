/** An answer that the browser itself carries to the service. @see SAML Bindings §3.5.4, OAuth 2.0 Form Post Response Mode */
import { createHash } from 'node:crypto';
import type { Wire } from '../../http/route.ts';
import { sendPage } from '../../http/html.ts';
import { goOnScript, type ResponseForm, responsePage } from './pages.ts';

export function sendForm(reply: Wire['reply'], form: ResponseForm): Wire['reply'] {
  return sendPage(allowGoOnScript(reply), responsePage(form));
}

/** The policy names this one script, by its hash. */
function allowGoOnScript(reply: Wire['reply']): Wire['reply'] {
  const policy = String(reply.getHeader('content-security-policy'));
  const hash = createHash('sha256').update(goOnScript).digest('base64');
  return reply.header(
    'content-security-policy',
    policy.replace("script-src 'self'", `script-src 'self' 'sha256-${hash}'`),
  );
}
