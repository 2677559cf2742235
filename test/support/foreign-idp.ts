/** An identity provider at a site of its own, played inside the browser: what it posts brings none of our cookies along. */
import type { Page, Request } from 'playwright-core';
import { type Company, requestIdIn, requestIdOf, respond } from './company-account.ts';

export interface ForeignIdp {
  readonly email: string;
  /** What is sent along; an identity provider that starts by itself says where to. */
  readonly relayState?: string;
}

export const unsolicitedAt = 'https://idp.example/portal';

/** Answers at idp.example, for this browser: a form with one button. */
export async function playForeignIdp(
  page: Page,
  company: Company,
  { email, relayState }: ForeignIdp,
): Promise<void> {
  await page.context().route('https://idp.example/**', async (route) => {
    const samlResponse = await respond(company, askedBy(route.request()), { email });
    const relay =
      relayState === undefined ? '' : `<input type="hidden" name="RelayState" value="${relayState}">`;
    await route.fulfill({
      contentType: 'text/html; charset=utf-8',
      body: `<!doctype html><title>Signed in</title><form method="post" action="${company.to.acsUrl}">
        <input type="hidden" name="SAMLResponse" value="${samlResponse}">${relay}
        <button id="continue">Continue</button></form>`,
    });
  });
}

/** The id of the request that came by the address or by a form; undefined where nobody has asked. */
function askedBy(request: Request): string | undefined {
  const posted = new URLSearchParams(request.postData() ?? '').get('SAMLRequest');
  if (posted !== null) return requestIdIn(Buffer.from(posted, 'base64').toString());
  return request.url() === unsolicitedAt ? undefined : requestIdOf(request.url());
}
