/** The providers that people bring themselves: the buttons that lead to them, their names and marks. */
import type { Action } from '../core/sign-in/step.ts';
import { html, type Html } from './html.ts';
import type { Texts } from './text/en.ts';

/** The buttons of an action, in the order of the step. */
export function socialButtons(action: Action | undefined, t: Texts): Html | false {
  const options = action?.fields.find(({ name }) => name === 'provider')?.options ?? [];
  return action ? providerButtons({ href: action.href, name: 'provider', options }, t) : false;
}

export interface ProviderButtons {
  readonly href: string;
  /** Under which name the pressed one is sent. */
  readonly name: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

/** One button for each, all in one form with nothing else in it: what was typed above is not sent along. */
export function providerButtons({ href, name, options }: ProviderButtons, t: Texts): Html | false {
  if (options.length === 0) return false;
  return html`<p class="or">${t.or}</p>
    <form method="post" action="${href}" id="social">
      <ul class="choices social">
        ${options.map(
          ({ value, label }) =>
            html`<li>
              <button class="secondary" type="submit" id="social-${value}" name="${name}" value="${value}">
                ${marks.get(value)} <span>${t.continueWith(label)}</span>
              </button>
            </li>`,
        )}
      </ul>
    </form>`;
}

/** As the provider calls itself, in every language; one that is new here is called by its id. */
export function providerName(provider: string): string {
  return names.get(provider) ?? provider;
}

const names = new Map([
  ['google', 'Google'],
  ['microsoft', 'Microsoft'],
  ['linkedin', 'LinkedIn'],
  ['facebook', 'Facebook'],
  ['apple', 'Apple'],
  ['github', 'GitHub'],
]);

function mark(size: number, shapes: Html): Html {
  return html`<svg viewBox="0 0 ${size} ${size}" fill="currentColor" aria-hidden="true">${shapes}</svg>`;
}

/** Drawn in the page itself: nothing is asked of a provider before the person presses its button. */
const marks = new Map([
  [
    'google',
    mark(
      48,
      html`<path
          fill="#ea4335"
          d="M24 9.5c3.54 0 6.71 1.22 9.21 3.6l6.85-6.85C35.9 2.38 30.47 0 24 0 14.62 0 6.51 5.38 2.56 13.22l7.98 6.19C12.43 13.72 17.74 9.5 24 9.5z"
        />
        <path
          fill="#4285f4"
          d="M46.98 24.55c0-1.57-.15-3.09-.38-4.55H24v9.02h12.94c-.58 2.96-2.26 5.48-4.78 7.18l7.73 6c4.51-4.18 7.09-10.36 7.09-17.65z"
        />
        <path
          fill="#fbbc05"
          d="M10.53 28.59c-.48-1.45-.76-2.99-.76-4.59s.27-3.14.76-4.59l-7.98-6.19C.92 16.46 0 20.12 0 24c0 3.88.92 7.54 2.56 10.78l7.97-6.19z"
        />
        <path
          fill="#34a853"
          d="M24 48c6.48 0 11.93-2.13 15.89-5.81l-7.73-6c-2.15 1.45-4.92 2.3-8.16 2.3-6.26 0-11.57-4.22-13.47-9.91l-7.98 6.19C6.51 42.62 14.62 48 24 48z"
        />`,
    ),
  ],
  [
    'microsoft',
    mark(
      23,
      html`<path fill="#f25022" d="M1 1h10v10H1z" />
        <path fill="#7fba00" d="M12 1h10v10H12z" />
        <path fill="#00a4ef" d="M1 12h10v10H1z" />
        <path fill="#ffb900" d="M12 12h10v10H12z" />`,
    ),
  ],
  [
    'linkedin',
    mark(
      24,
      html`<path
        fill="#2d7fd3"
        d="M20.447 20.452h-3.554v-5.569c0-1.328-.027-3.037-1.852-3.037-1.853 0-2.136 1.445-2.136 2.939v5.667H9.351V9h3.414v1.561h.046c.477-.9 1.637-1.85 3.37-1.85 3.601 0 4.267 2.37 4.267 5.455v6.286zM5.337 7.433a2.062 2.062 0 0 1-2.063-2.065 2.064 2.064 0 1 1 2.063 2.065zm1.782 13.019H3.555V9h3.564v11.452zM22.225 0H1.771C.792 0 0 .774 0 1.729v20.542C0 23.227.792 24 1.771 24h20.451C23.2 24 24 23.227 24 22.271V1.729C24 .774 23.2 0 22.222 0h.003z"
      />`,
    ),
  ],
  [
    'facebook',
    mark(
      24,
      html`<path
        fill="#1877f2"
        d="M24 12.073c0-6.627-5.373-12-12-12s-12 5.373-12 12c0 5.99 4.388 10.954 10.125 11.854v-8.385H7.078v-3.47h3.047V9.43c0-3.007 1.792-4.669 4.533-4.669 1.312 0 2.686.235 2.686.235v2.953H15.83c-1.491 0-1.956.925-1.956 1.874v2.25h3.328l-.532 3.47h-2.796v8.385C19.612 23.027 24 18.062 24 12.073z"
      />`,
    ),
  ],
  [
    'apple',
    mark(
      24,
      html`<path
        d="M12.152 6.896c-.948 0-2.415-1.078-3.96-1.04-2.04.027-3.91 1.183-4.961 3.014-2.117 3.675-.546 9.103 1.519 12.09 1.013 1.454 2.208 3.09 3.792 3.039 1.52-.065 2.09-.987 3.935-.987 1.831 0 2.35.987 3.96.948 1.637-.026 2.676-1.48 3.676-2.948 1.156-1.688 1.636-3.325 1.662-3.415-.039-.013-3.182-1.221-3.22-4.857-.026-3.04 2.48-4.494 2.597-4.559-1.429-2.09-3.623-2.324-4.39-2.376-2-.156-3.675 1.09-4.61 1.09zM15.53 3.83c.843-1.012 1.4-2.427 1.245-3.83-1.207.052-2.662.805-3.532 1.818-.78.896-1.454 2.338-1.273 3.714 1.338.104 2.715-.688 3.559-1.701z"
      />`,
    ),
  ],
  [
    'github',
    mark(
      24,
      html`<path
        d="M12 .297c-6.63 0-12 5.373-12 12 0 5.303 3.438 9.8 8.205 11.385.6.113.82-.258.82-.577 0-.285-.01-1.04-.015-2.04-3.338.724-4.042-1.61-4.042-1.61C4.422 18.07 3.633 17.7 3.633 17.7c-1.087-.744.084-.729.084-.729 1.205.084 1.838 1.236 1.838 1.236 1.07 1.835 2.809 1.305 3.495.998.108-.776.417-1.305.76-1.605-2.665-.3-5.466-1.332-5.466-5.93 0-1.31.465-2.38 1.235-3.22-.135-.303-.54-1.523.105-3.176 0 0 1.005-.322 3.3 1.23.96-.267 1.98-.399 3-.405 1.02.006 2.04.138 3 .405 2.28-1.552 3.285-1.23 3.285-1.23.645 1.653.24 2.873.12 3.176.765.84 1.23 1.91 1.23 3.22 0 4.61-2.805 5.625-5.475 5.92.42.36.81 1.096.81 2.22 0 1.606-.015 2.896-.015 3.286 0 .315.21.69.825.57C20.565 22.092 24 17.592 24 12.297c0-6.627-5.373-12-12-12z"
      />`,
    ),
  ],
]);
