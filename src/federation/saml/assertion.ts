/**
 * The assertion, read from the bytes that were signed: whom it speaks of, to whom, for how long, and in answer to what.
 * @see SAML 2.0 Core §2, Profiles §4.1.4
 */
import { addSeconds, earliest } from '../../kernel/time.ts';
import type { Verified } from '../connector.ts';
import { readAttributes } from './attributes.ts';
import { saml } from './names.ts';
import type { SamlQuestion } from './question.ts';
import { refuse } from './refusing.ts';
import { responseLimits } from './response.ts';
import { readNameId, readSubject } from './subject.ts';
import {
  checkBegun,
  checkNotOver,
  longestAgeSeconds,
  longestLifeSeconds,
  parseOptionalTime,
  parseTime,
  skewSeconds,
} from './times.ts';
import { childrenNamed, isNamed, parseXml, textOf, type XmlElement } from './xml.ts';

/** Who came, when every check has passed. */
export function readAssertion(xml: string, question: SamlQuestion): Verified {
  const root = parseXml(xml, responseLimits);
  const { id, issuedAt } = checkHead(root, question);
  const conditionsEnd = checkConditions(root, question);
  const subject = only(root, 'Subject');
  const nameId = readNameId(subject);
  const confirmationEnd = checkConfirmation(subject, question);
  const statement = readStatements(root, question);
  const attributes = readAttributes(root);
  const { settings, serviceProvider } = question;
  const parties = { identityProvider: settings.entityId, serviceProvider: serviceProvider.entityId };
  const end = earliest(conditionsEnd, confirmationEnd, addSeconds(issuedAt, longestAgeSeconds)) ?? issuedAt;
  return {
    identity: {
      issuer: settings.entityId,
      subject: readSubject({ nameId, attributes, from: settings.subject, parties }),
      attributes: { ...attributes, name_id: [nameId.value] },
      amr: [],
      ...statement,
    },
    // for as long as it would be taken again
    assertion: { id, expiresAt: addSeconds(end, skewSeconds) },
  };
}

function only(parent: XmlElement, local: string): XmlElement {
  const [child, second] = childrenNamed(parent, saml(local));
  return child && !second ? child : refuse(codeOf(local), `not exactly one ${local}`);
}

function codeOf(local: string) {
  if (local === 'Issuer') return 'saml_issuer';
  if (local === 'Conditions') return 'saml_audience';
  return 'saml_subject';
}

function checkHead(root: XmlElement, { settings, now }: SamlQuestion): { id: string; issuedAt: Date } {
  const id = root.attributes.get('ID');
  const isAssertion = isNamed(root, saml('Assertion')) && root.attributes.get('Version') === '2.0';
  if (!isAssertion || id === undefined) refuse('saml_malformed', 'not an Assertion of version 2.0');
  if (textOf(only(root, 'Issuer')) !== settings.entityId) refuse('saml_issuer', 'issued by somebody else');
  const issuedAt = parseTime(root.attributes.get('IssueInstant'), 'IssueInstant');
  checkBegun(issuedAt, { now, what: 'IssueInstant' });
  checkNotOver(addSeconds(issuedAt, longestAgeSeconds), { now, what: 'the age that is allowed' });
  return { id, issuedAt };
}

const knownConditions = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'];

/** For us, and now. Each restriction must name us: they narrow one another. @see SAML 2.0 Core §2.5.1 */
function checkConditions(root: XmlElement, { serviceProvider, now }: SamlQuestion): Date {
  const conditions = only(root, 'Conditions');
  for (const child of conditions.children)
    if (!knownConditions.some((local) => isNamed(child, saml(local))))
      refuse('saml_audience', 'a condition that nobody here understands');
  const restrictions = childrenNamed(conditions, saml('AudienceRestriction'));
  const isForUs = (restriction: XmlElement) =>
    childrenNamed(restriction, saml('Audience')).some(
      (audience) => textOf(audience) === serviceProvider.entityId,
    );
  if (restrictions.length === 0 || !restrictions.every(isForUs))
    refuse('saml_audience', 'the assertion is for somebody else, or for everybody');
  checkBegun(parseOptionalTime(conditions.attributes.get('NotBefore'), 'NotBefore'), {
    now,
    what: 'NotBefore',
  });
  const end = parseTime(conditions.attributes.get('NotOnOrAfter'), 'NotOnOrAfter');
  checkNotOver(end, { now, what: 'NotOnOrAfter' });
  if (end > addSeconds(now, longestLifeSeconds + skewSeconds))
    refuse('saml_time', 'it holds for more than a day');
  return end;
}

const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';

/** Brought by whoever bears it, to this address, in answer to this request. @see SAML 2.0 Profiles §4.1.4.2 */
function checkConfirmation(subject: XmlElement, { serviceProvider, requestId, now }: SamlQuestion): Date {
  const confirmation = only(subject, 'SubjectConfirmation');
  if (confirmation.attributes.get('Method') !== bearer) refuse('saml_subject', 'not for its bearer');
  const { attributes } = only(confirmation, 'SubjectConfirmationData');
  if (attributes.get('Recipient') !== serviceProvider.acsUrl)
    refuse('saml_recipient', 'the assertion was sent to another address');
  if (attributes.has('NotBefore')) refuse('saml_time', 'a confirmation that begins later');
  const end = parseTime(attributes.get('NotOnOrAfter'), 'NotOnOrAfter of the confirmation');
  checkNotOver(end, { now, what: 'NotOnOrAfter of the confirmation' });
  // here and not only on the Response, which anybody may have written around a stolen assertion
  if (attributes.get('InResponseTo') !== requestId)
    refuse('saml_in_response_to', 'the assertion is not for this request');
  return end;
}

interface Proof {
  readonly authenticatedAt: string;
  readonly acr?: string;
  readonly sessionId?: string;
  readonly sessionEndsAt?: string;
}

/** Of several statements the oldest proof and the first end count. */
function readStatements(root: XmlElement, { now, provenAfter }: SamlQuestion): Proof {
  const statements = childrenNamed(root, saml('AuthnStatement'));
  const [first] = statements;
  if (!first) refuse('saml_statement', 'no AuthnStatement');
  const instants = statements.map(({ attributes }) =>
    parseTime(attributes.get('AuthnInstant'), 'AuthnInstant'),
  );
  const ends = statements.map(({ attributes }) =>
    parseOptionalTime(attributes.get('SessionNotOnOrAfter'), 'SessionNotOnOrAfter'),
  );
  for (const at of instants) checkBegun(at, { now, what: 'AuthnInstant' });
  for (const at of ends) checkNotOver(at, { now, what: 'SessionNotOnOrAfter' });
  const provenAt = earliest(...instants) ?? now;
  if (provenAfter && provenAt < addSeconds(provenAfter, -skewSeconds))
    refuse('saml_time', 'the person has not proven themself again');
  const acr = unlessLong(contextOf(first));
  const sessionId = unlessLong(first.attributes.get('SessionIndex'));
  const sessionEnd = earliest(...ends);
  return {
    authenticatedAt: provenAt.toISOString(),
    ...(acr && { acr }),
    ...(sessionId && { sessionId }),
    ...(sessionEnd && { sessionEndsAt: sessionEnd.toISOString() }),
  };
}

/**
 * Left out and not cut: a cut in the middle of a character leaves half of it, which the database refuses to store, so that
 * an identity provider could make us fail. What is cut would name no session and no context anyway.
 */
function unlessLong(text: string | undefined): string | undefined {
  return text !== undefined && text.length <= 1000 ? text : undefined;
}

function contextOf(statement: XmlElement): string | undefined {
  const [context] = childrenNamed(statement, saml('AuthnContext'));
  const [reference] = context ? childrenNamed(context, saml('AuthnContextClassRef')) : [];
  return reference && textOf(reference);
}
