/** The pages of the rehearsal identity providers. */
import { postButton } from '../../pages/action-form.ts';
import { html, type Html, trusted } from '../../pages/html.ts';
import { page, type Page } from '../../pages/layout.ts';
import { problemSummary } from '../../pages/problem-summary.ts';
import type { SocialProvider } from '../../core/identities/identities.ts';
import { type Fault, faults, type Protocol } from './faults.ts';
import type { Person, Place } from './people.ts';

export interface SignIn {
  readonly place: Place;
  readonly ticket: string;
  readonly loginHint: string | undefined;
  /** What was typed, and is no address. */
  readonly refused: string | undefined;
  readonly canCancel: boolean;
}

export function signInPage({ place, ticket, loginHint, refused, canCancel }: SignIn): Page {
  const { name, lead, people, newcomer } = place;
  const title = `Sign in at ${name} (rehearsal)`;
  const invalid = refused !== undefined;
  return page(
    { title: invalid ? `Problem: ${title}` : title, client: { name } },
    html`<h1>${title}</h1>
      <p class="lead">${lead} Nobody needs a password here: say who you are, and that is who you are.</p>
      ${invalid && problemSummary('This is not an email address.', 'email')}
      <form method="post" action="/demo/idp/sign-in">
        <input type="hidden" name="ticket" value="${ticket}" />
        <ul class="choices">
          ${people.map(personRow)}
        </ul>
      </form>
      <form method="post" action="/demo/idp/sign-in">
        <input type="hidden" name="ticket" value="${ticket}" />
        <label for="email">Or somebody new</label>
        <input
          id="email"
          name="email"
          type="email"
          autocomplete="off"
          required
          maxlength="254"
          value="${refused ?? loginHint ?? newcomer}"
          ${invalid && html`aria-invalid="true" aria-describedby="problem"`}
        />
        <button class="primary" type="submit" id="sign-in">Sign in</button>
      </form>
      ${canCancel && postButton('/demo/idp/sign-in', { id: 'cancel', label: 'Cancel', hidden: { ticket, email: '', cancel: 'yes' } })}`,
  );
}

function personRow({ email, name, about }: Person): Html {
  return html`<li>
    <button class="secondary" type="submit" name="email" value="${email}">${name}<br />${email}</button>
    ${about !== undefined && html`<p class="hint">${about}</p>`}
  </li>`;
}

/** Goes on by itself where scripts are on. */
export const goOnScript = 'document.forms[0].submit()';

export interface ResponseForm {
  /** Who answers. */
  readonly from: string;
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The form that carries a response to the service. @see SAML Bindings §3.5.4 */
export function responsePage({ from, action, fields }: ResponseForm): Page {
  return page(
    { title: `Back from ${from} (rehearsal)`, client: { name: from } },
    html`<h1>You have been at ${from}</h1>
      <p class="lead">Go on to where you wanted to go.</p>
      <form method="post" action="${action}">
        ${Object.entries(fields).map(
          ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
        )}
        <button class="primary" type="submit" id="continue">Continue</button>
      </form>
      ${trusted(`<script>${goOnScript}</script>`)}`,
  );
}

export function outOfOrderPage(): Page {
  return page(
    { title: 'Out of order (rehearsal)', client: { name: 'Rehearsal' } },
    html`<h1>Out of order</h1>
      <p class="lead">
        This identity provider answers nothing but an error, as you have asked it to.
        <a href="/demo/idp">Switch that off</a>
      </p>`,
  );
}

export interface Overview {
  readonly fault: Fault | undefined;
  readonly people: Readonly<Record<Protocol, string | undefined>>;
  readonly providers: readonly Provider[];
}

interface Provider {
  readonly provider: SocialProvider;
  readonly name: string;
  readonly email: string | undefined;
}

export function overviewPage({ fault, people, providers }: Overview): Page {
  return page(
    { title: 'Identity providers', wide: true },
    html`<h1>Identity providers</h1>
      <p class="lead">
        They speak the real protocols, and nobody needs a password at them. <a href="/">All of the demo</a>
      </p>
      <h2>Globex: SAML 2.0, required</h2>
      <p>Whoever has an address at globex.test must come this way. ${signedInAs(people.saml)}</p>
      <ul class="remedies">
        <li><a href="/demo/idp/saml/metadata">Metadata</a></li>
        <li>
          <a href="/demo/idp/saml/start" id="idp-initiated">Start at the portal of Globex</a> (IdP-initiated)
        </li>
      </ul>
      <h2>Initech: OpenID Connect, optional</h2>
      <p>Addresses at initech.test may come this way, or by password. ${signedInAs(people.oidc)}</p>
      <ul class="remedies">
        <li><a href="/demo/idp/oidc/.well-known/openid-configuration">Discovery</a></li>
        <li><a href="/demo/idp/oidc/jwks">Keys</a></li>
      </ul>
      <h2 id="social">Those that people bring themselves</h2>
      <p>Each speaks as the real one does, with its own quirks. Their buttons are at the sign-in.</p>
      <ul class="remedies">
        ${providers.map(({ provider, name, email }) => html`<li id="at-${provider}">${name}: ${email ?? 'nobody'}</li>`)}
      </ul>
      ${postButton('/demo/idp/sign-out', { id: 'sign-out', label: 'Sign out at all of them', style: 'secondary' })}
      <h2 id="faults">What can go wrong</h2>
      <p>From now on, for this browser alone, until something else is chosen.</p>
      <p class="note" id="fault">Now: ${fault === undefined ? 'nothing goes wrong' : faults[fault].title}.</p>
      <form method="post" action="/demo/idp/faults">
        <ul class="choices">
          ${Object.entries(faults).map(faultRow)}
        </ul>
        <button class="primary" type="submit" name="fault" value="none">Nothing goes wrong</button>
      </form>`,
  );
}

function faultRow([name, { title, about, at }]: [string, (typeof faults)[Fault]]): Html {
  return html`<li>
    <button class="secondary" type="submit" name="fault" value="${name}">${title}</button>
    <p class="hint">${about} ${whereOf(at)}</p>
  </li>`;
}

function whereOf(at: readonly string[]): string {
  if (at.length === 3) return '';
  if (at.includes('social')) return 'Social providers only.';
  return at.includes('oidc') ? 'Globex and Initech only.' : 'Globex only.';
}

function signedInAs(email: string | undefined): string {
  return email === undefined ? 'Nobody is signed in there.' : `${email} is signed in there.`;
}
