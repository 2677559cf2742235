/** The demo's pages: the start page that lists the world, and a product app that shows what it was told. */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { postButton } from '../pages/action-form.ts';
import { html, type Html } from '../pages/html.ts';
import { page, type Page } from '../pages/layout.ts';
import type { DemoApp, Tokens } from './relying-party.ts';
import { demoPassword, demoPeople } from './world.ts';

export function startPage(issuer: string, apps: readonly DemoApp[]): Page {
  return page(
    { title: 'Demo', wide: true },
    html`<h1>One sign-in for every product</h1>
      <p class="lead">
        This is a demo of an authorization server, with a few companies, their people, and two products to
        sign in to. Everybody's password is <code>${demoPassword}</code>.
      </p>
      <h2>Products and clients</h2>
      <ul class="remedies">
        ${apps.map(({ name, title }) => html`<li><a href="/demo/${name}" id="app-${name}">${title}</a></li>`)}
      </ul>
      <p>Mail that is sent here ends in the <a href="/demo/mail" id="mailbox">mailbox</a>.</p>
      <h2>My Company ID</h2>
      <p>
        Globex and Initech have <a href="/demo/idp" id="idps">identity providers of their own</a>, which run
        here for rehearsals. Choose My Company ID at the sign-in and type an address at globex.test (SAML,
        which Globex requires) or initech.test (OpenID Connect); new people may come too. Or
        <a href="/demo/idp/saml/start" id="idp-initiated">start at the portal of Globex</a>. What goes wrong
        with identity providers can be <a href="/demo/idp#faults">switched on</a>, for one's own browser
        alone.
      </p>
      <h2>Google, Microsoft, LinkedIn, Facebook, Apple, GitHub</h2>
      <p>
        All six are <a href="/demo/idp#social" id="social">played here</a>, each in its own dialect: press one
        of their buttons at the sign-in and say who you are there. Whoever has the address of somebody here
        must first sign in as before; the second time goes straight through.
      </p>
      <h2>People</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="People">
        <table>
          <thead>
            <tr>
              <th scope="col">Email</th>
              <th scope="col">What there is to see</th>
              <th scope="col">Sign in to</th>
            </tr>
          </thead>
          <tbody>
            ${demoPeople.map(personRow)}
          </tbody>
        </table>
      </div>
      <h2>For machines</h2>
      <p>
        Issuer <code>${issuer}</code> · <a href="/.well-known/openid-configuration">discovery</a> ·
        <a href="/jwks">keys</a>
      </p>`,
  );
}

function personRow({ email, about }: (typeof demoPeople)[number]): Html {
  const link = (app: string, title: string): Html =>
    html`<a
      href="/demo/${app}/sign-in?login_hint=${encodeURIComponent(email)}"
      aria-label="${title} as ${email}"
      >${title}</a
    >`;
  return html`<tr>
    <td>${email}</td>
    <td>${about}</td>
    <td>${link('assist', 'Assist')} ${link('meet', 'Meet')}</td>
  </tr>`;
}

export function appPage(app: DemoApp, tokens: Tokens | undefined): Page {
  const content = tokens ? signedIn(app, tokens) : signedOut(app);
  return page({ title: app.title, client: { name: app.title }, wide: tokens !== undefined }, content);
}

function signedOut({ name, title }: DemoApp): Html {
  return html`<h1>${title}</h1>
    <p class="lead">A demo product. Nobody is signed in here.</p>
    <a class="button primary" id="sign-in" href="/demo/${name}/sign-in">Sign in</a>
    <a class="button secondary" href="/">All of the demo</a>`;
}

function signedIn({ name, title }: DemoApp, tokens: Tokens): Html {
  const claims = decodeJwt(tokens.idToken);
  const email = typeof claims['email'] === 'string' ? claims['email'] : undefined;
  const person = typeof claims['name'] === 'string' ? claims['name'] : email;
  return html`<h1>Hello ${person ?? 'there'}</h1>
    <p class="lead">
      You are signed in to ${title}${email !== undefined && email !== person && ` as ${email}`}.
    </p>
    <h2>ID token</h2>
    ${claimsTable(claims, 'id-token')}
    <h2>Access token</h2>
    ${accessToken(tokens.accessToken)} ${name === 'admin' && recipe(tokens.accessToken)}
    <p class="note">
      Valid until
      ${tokens.expiresAt.toISOString()}${tokens.refreshToken !== undefined && ', and can be refreshed'}.
    </p>
    ${tokens.refreshToken !== undefined && postButton(`/demo/${name}/refresh`, { id: 'refresh', label: 'Refresh the tokens', style: 'primary' })}
    ${postButton(`/demo/${name}/sign-out`, { id: 'sign-out', label: 'Sign out', style: 'secondary' })}
    <a class="button quiet" href="/">All of the demo</a>`;
}

function accessToken(token: string): Html {
  if (token.split('.').length !== 3) return html`<p>Opaque: only the service can read it.</p>`;
  return claimsTable({ typ: decodeProtectedHeader(token).typ, ...decodeJwt(token) }, 'access-token');
}

/** To try the admin interface by hand as this person. Only the demo shows a token: it has nothing to lose. */
function recipe(token: string): Html {
  const resource = String(decodeJwt(token).aud);
  return html`<h2>By hand</h2>
    <pre id="recipe" tabindex="0">
curl ${resource}/me \\
  -H 'Authorization: Bearer ${token}'</pre>
    <p><a href="${resource}">Everything there is to call</a></p>`;
}

function claimsTable(claims: Readonly<Record<string, unknown>>, id: string): Html {
  return html`<table id="${id}">
    <tbody>
      ${Object.entries(claims).map(
        ([name, value]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${typeof value === 'string' ? value : JSON.stringify(value)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

export function appErrorPage(
  app: DemoApp,
  error: { readonly code: string; readonly description: string },
): Page {
  return page(
    { title: 'Not signed in', client: { name: app.title } },
    html`<h1>Not signed in</h1>
      <p class="lead">This is what the product was told:</p>
      <p class="problem" id="error"><code>${error.code}</code><br />${error.description}</p>
      <a class="button primary" href="/demo/${app.name}/sign-in">Try again</a>
      <a class="button secondary" href="/">All of the demo</a>`,
  );
}
