/** The SAML 2.0 identity provider of Globex. @see SAML Profiles §4.1 (Web Browser SSO) */
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { defineRoute, type Route, type Wire } from '../../http/route.ts';
import { addSeconds } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { elsewhere, samlIdp } from './addresses.ts';
import type { Browsers } from './browsers.ts';
import { type Desk, misbehaves, type Visit } from './desk.ts';
import { skewSeconds } from './faults.ts';
import { sendForm } from './form-post.ts';
import type { KeyRing, RehearsalKey } from './keys.ts';
import { companyPlace, subjectOf } from './people.ts';
import { findServiceProvider, type Posted, readAuthnRequest, type ServiceProvider } from './saml-request.ts';
import { buildSamlResponse, type ResponseFacts, xml } from './saml-response.ts';

export interface SamlParts {
  readonly desk: Desk;
  readonly browsers: Browsers;
  readonly keys: KeyRing;
  /** The service provider of the demo world, for a start from here. */
  readonly findHome: (ctx: Context) => Promise<string>;
}

/** What is answered. */
interface Asked {
  readonly provider: ServiceProvider;
  readonly inResponseTo: string | undefined;
  readonly relayState: string | undefined;
}

const text = (most: number) => z.string().max(most).optional();
const base = { access: 'demo' } as const;

export function samlRoutes(parts: SamlParts): Route[] {
  return [
    defineRoute({
      ...base,
      method: 'GET',
      url: '/demo/idp/saml/metadata',
      schema: {},
      handler: async ({ config }, _input, { reply }) =>
        reply
          .type('application/samlmetadata+xml')
          .send(metadata(samlIdp(config.issuer), await parts.keys.published())),
    }),
    defineRoute({
      ...base,
      method: 'GET',
      url: '/demo/idp/saml/sso',
      schema: {
        querystring: z.object({
          SAMLRequest: z.string().max(10_000),
          RelayState: text(1000),
          login_hint: text(254),
        }),
      },
      handler: (ctx, { query }, wire) => {
        const rawQuery = wire.request.raw.url?.split('?', 2)[1] ?? '';
        const hints = { relayState: query.RelayState, loginHint: query.login_hint };
        return begin(parts, ctx, { posted: { binding: 'redirect', rawQuery }, ...hints, wire });
      },
    }),
    defineRoute({
      ...base,
      method: 'POST',
      url: '/demo/idp/saml/sso',
      schema: {
        body: z.object({
          SAMLRequest: z.string().max(60_000),
          RelayState: text(1000),
          login_hint: text(254),
        }),
      },
      handler: (ctx, { body }, wire) => {
        const hints = { relayState: body.RelayState, loginHint: body.login_hint };
        return begin(parts, ctx, {
          posted: { binding: 'post', samlRequest: body.SAMLRequest },
          ...hints,
          wire,
        });
      },
    }),
    startRoute(parts),
  ];
}

/** From here to an application that has not asked: by default to the connection of Globex. @see SAML Profiles §4.1.5 */
function startRoute(parts: SamlParts): Route {
  return defineRoute({
    ...base,
    method: 'GET',
    url: '/demo/idp/saml/start',
    schema: { querystring: z.object({ sp: text(1000), relay_state: text(1000), login_hint: text(254) }) },
    handler: async (ctx, { query: { sp, relay_state: relayState, login_hint: loginHint } }, wire) => {
      if (await misbehaves(parts.browsers.of(wire).fault, wire)) return wire.reply;
      const provider = await findServiceProvider(ctx, sp ?? (await parts.findHome(ctx)));
      const asked = { provider, inResponseTo: undefined, relayState };
      return parts.desk.receive(arrivalOf(parts, ctx, { asked, loginHint, forceAuthn: false }), wire);
    },
  });
}

interface Begun {
  readonly posted: Posted;
  readonly relayState: string | undefined;
  readonly loginHint: string | undefined;
  readonly wire: Wire;
}

async function begin(parts: SamlParts, ctx: Context, begun: Begun): Promise<unknown> {
  const { posted, relayState, loginHint, wire } = begun;
  if (await misbehaves(parts.browsers.of(wire).fault, wire)) return wire.reply;
  const { request, provider } = await readAuthnRequest(ctx, posted);
  const asked = { provider, inResponseTo: request.id, relayState };
  const arrival = arrivalOf(parts, ctx, { asked, loginHint, forceAuthn: request.forceAuthn });
  return parts.desk.receive(arrival, wire);
}

interface Wish {
  readonly asked: Asked;
  readonly loginHint: string | undefined;
  readonly forceAuthn: boolean;
}

function arrivalOf({ keys }: SamlParts, ctx: Context, { asked, loginHint, forceAuthn }: Wish) {
  return {
    place: companyPlace('saml'),
    loginHint,
    askAgain: () => forceAuthn,
    answer: async (visit: Visit, { reply }: Wire) => {
      const { browser } = visit;
      const before = browser.fault === 'replayed' ? browser.last.saml : undefined;
      const response = before ?? (await respond(ctx, asked, { visit, keys }));
      browser.last.saml = response;
      const { relayState } = asked;
      const fields = { SAMLResponse: response, ...(relayState !== undefined && { RelayState: relayState }) };
      return sendForm(reply, { from: 'Globex', action: asked.provider.acsUrl, fields });
    },
  } as const;
}

interface Response {
  readonly visit: Visit;
  readonly keys: KeyRing;
}

async function respond(ctx: Context, asked: Asked, { visit, keys }: Response): Promise<string> {
  const facts = factsOf(asked, visit, { issuer: samlIdp(ctx.config.issuer).entityId, now: ctx.now() });
  const document = buildSamlResponse(facts, await keys.keyFor(visit.browser.fault));
  return Buffer.from(document).toString('base64');
}

/** The truth, but for the fault that was switched on. */
function factsOf(
  { provider, inResponseTo }: Asked,
  { browser: { fault }, session }: Visit,
  { issuer, now }: { readonly issuer: string; readonly now: Date },
): ResponseFacts {
  const behind = fault === 'skewed_clock' ? -skewSeconds : 0;
  const { email, name, groups } = session.person;
  return {
    responseId: newId(),
    assertionId: newId(),
    sessionIndex: session.sid,
    issuer: fault === 'wrong_issuer' ? elsewhere : issuer,
    inResponseTo: fault === 'unsolicited' ? undefined : inResponseTo,
    destination: provider.acsUrl,
    recipient: fault === 'wrong_recipient' ? elsewhere : provider.acsUrl,
    audience: fault === 'wrong_audience' ? elsewhere : provider.entityId,
    issuedAt: addSeconds(now, behind),
    authenticatedAt: addSeconds(session.at, behind),
    nameId: subjectOf(session.person, issuer),
    attributes: { ...(fault !== 'missing_email' && { email: [email] }), displayName: [name], groups },
  };
}

/** An xs:ID does not begin with a digit. */
function newId(): string {
  return `_${newToken().token}`;
}

/** @see SAML Metadata §2.4.3 */
function metadata({ entityId, ssoUrl }: ReturnType<typeof samlIdp>, keys: readonly RehearsalKey[]): string {
  const certificates = keys.map(
    ({ der }) =>
      xml`<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
  );
  const services = ['HTTP-Redirect', 'HTTP-POST'].map(
    (binding) =>
      xml`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${ssoUrl}"/>`,
  );
  return xml`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${entityId}"><md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">${certificates}<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>${services}</md:IDPSSODescriptor></md:EntityDescriptor>`
    .markup;
}
