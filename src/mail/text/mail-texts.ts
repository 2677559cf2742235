import type { MailTemplate, MailTemplates } from '../../core/outbox/outbox.ts';

/** What a mail says, as plain text; the layout makes both of its parts from it. */
export interface MailText {
  readonly subject: string;
  readonly lines: readonly string[];
  /** What stands on the link, for mails that have one. */
  readonly button?: string;
  /** What stands before the code, for mails that have one. */
  readonly codeLabel?: string;
  readonly after?: readonly string[];
}

/** One language: every mail, and the line about where to get help. */
export type MailTexts = {
  readonly [Template in MailTemplate]: (data: MailTemplates[Template]['data']) => MailText;
} & {
  readonly help: (support: { url: string | undefined; email: string | undefined }) => string;
};

/**
 * What somebody is called elsewhere, in a mail of ours. Anybody can call themself anything there and have us mail it to
 * anybody (phishing in our name): so it is short, and no address of a website that a mail reader would make a link of.
 */
export function foreignName(external: string): string {
  const isEmail = /^[^\s@/:]+@[^\s@/:]+$/.test(external);
  const short = external.length > 80 ? `${external.slice(0, 79)}…` : external;
  return isEmail ? short : short.replaceAll(/([.:/@]+)(?=\S)/g, '$1 ');
}
