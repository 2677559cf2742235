/** The pages by which an admin answers somebody's wish for a seat: the question, what was decided, and that it is over. */
import type { Action } from '../core/sign-in/step.ts';
import { postButton, valuesOf } from './action-form.ts';
import { html } from './html.ts';
import { page, type Page } from './layout.ts';
import { problemSummary } from './problem-summary.ts';
import { failureTitle, texts } from './text/texts.ts';

/** Who wants what, by their names. */
export interface SeatWish {
  readonly locale: string;
  readonly person: { readonly name: string | null; readonly email: string };
  readonly product: string;
  readonly account: string;
}

export interface SeatRequestView extends SeatWish {
  readonly step: 'decide_seat_request';
  readonly free_seats: number;
  readonly problem: { readonly code: 'no_free_seat' } | null;
  readonly actions: { readonly grant: Action; readonly refuse: Action };
}

/** Both buttons are always there: a seat may have come free since the page was made. */
export function seatRequestPage(view: SeatRequestView): Page {
  const { locale, person, product, account, free_seats: free, problem, actions } = view;
  const { name, email } = person;
  const t = texts(locale);
  const title = t.seatAsked(name ?? email, product);
  const { grant, refuse } = actions;
  return page(
    { title: problem ? `${t.problem}: ${title}` : title, locale },
    html`<h1>${title}</h1>
      ${problem && problemSummary(failureTitle(problem.code, t), 'grant', html`<p>${t.seatNoneFree}</p>`)}
      <dl class="pair">
        <dt>${t.seatPerson}</dt>
        <dd>${[name, email].filter((text) => text !== null).map((text) => html`<span>${text}</span>`)}</dd>
        <dt>${t.seatProduct}</dt>
        <dd><span>${product}</span></dd>
        <dt>${t.seatAccount}</dt>
        <dd><span>${account}</span></dd>
      </dl>
      ${!problem && html`<p>${t.seatsFree(free)}</p>`}
      ${postButton(grant.href, { id: 'grant', label: t.seatGrant, style: 'primary', hidden: valuesOf(grant.fields) })}
      ${postButton(refuse.href, { id: 'refuse', label: t.seatRefuse, style: 'secondary', hidden: valuesOf(refuse.fields) })}`,
  );
}

export interface DecidedSeatView extends SeatWish {
  readonly step: 'seat_request_decided';
  readonly state: 'granted' | 'refused';
}

/** What has just been decided. */
export function seatRequestDonePage(view: DecidedSeatView): Page {
  const { locale } = view;
  const t = texts(locale);
  const title = outcomeOf(view);
  return page(
    { title, locale },
    html`<h1>${title}</h1>
      <p role="status">${t.seatPersonTold}</p>`,
  );
}

/** A link whose request was decided before: by another admin, or by an earlier click. */
export function seatRequestDecidedPage(view: DecidedSeatView): Page {
  const { locale } = view;
  const t = texts(locale);
  return page(
    { title: t.seatDecided, locale },
    html`<h1>${t.seatDecided}</h1>
      <p>${outcomeOf(view)}</p>`,
  );
}

function outcomeOf({ locale, person, product, state }: DecidedSeatView): string {
  const t = texts(locale);
  const name = person.name ?? person.email;
  return state === 'granted' ? t.seatGranted(name, product) : t.seatRefused(name, product);
}

/** A link that is too old, whose holder is no admin any more, or that never was one. */
export function seatRequestExpiredPage(locale: string): Page {
  const t = texts(locale);
  const title = failureTitle('link_expired', t);
  return page(
    { title, locale, help: {} },
    html`<h1>${title}</h1>
      <p>${t.seatLinkExpiredLead}</p>`,
  );
}
