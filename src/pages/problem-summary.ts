import { html, type Html } from './html.ts';
import type { Texts } from './text/en.ts';

/** What went wrong, above the form and read out at once, with a link to where it can be mended; and what else helps. */
export function problemSummary(message: string, field: string, help?: Html | false): Html {
  return html`<div class="problem" role="alert" id="problem">
    <p><a href="#${field}">${message}</a></p>
    ${help}
  </div>`;
}

/** The number to name to whoever helps. */
export function caseNote(caseId: string, code: string, t: Texts): Html {
  return html`<p class="case" id="case" data-code="${code}">
    ${t.case} <strong>${caseId}</strong><br />${t.caseHelp}
  </p>`;
}

/** Why a password was not taken; what is not known by name is taken for common. */
export function passwordProblem(reason: string | undefined, t: Texts): string {
  // a map, because the reason stands in the address: `constructor` would be found in an object
  const reasons = new Map([
    ['too_short', t.passwordTooShort],
    ['too_long', t.passwordTooLong],
    ['too_personal', t.passwordTooPersonal],
  ]);
  return reasons.get(reason ?? '') ?? t.passwordTooCommon;
}
