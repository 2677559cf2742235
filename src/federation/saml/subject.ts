/** Who a person is at their identity provider: one NameID, and the key that is made of it or of an attribute. */
import type { SamlSettings } from '../../core/connections/connections.ts';
import { saml } from './names.ts';
import { refuse } from './refusing.ts';
import { childrenNamed, type XmlElement } from './xml.ts';

export interface NameId {
  readonly value: string;
  readonly format: string | undefined;
  readonly nameQualifier: string | undefined;
  readonly spNameQualifier: string | undefined;
}

const longest = 255;

const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Exactly one NameID, of text alone. Nothing stands in for it: an attribute of that name is an attribute. */
export function readNameId(subject: XmlElement): NameId {
  const [element, second] = childrenNamed(subject, saml('NameID'));
  if (!element || second) refuse('saml_subject', 'not exactly one NameID');
  if (element.children.length > 0) refuse('saml_subject', 'a NameID with elements in it');
  const { attributes } = element;
  return {
    value: checkKey(element.text),
    format: attributes.get('Format'),
    nameQualifier: attributes.get('NameQualifier'),
    spNameQualifier: attributes.get('SPNameQualifier'),
  };
}

/** Refused rather than mended: two spellings of one key must not become one person. */
function checkKey(text: string): string {
  if (text === '' || text.length > longest) refuse('saml_subject', 'no subject, or a very long one');
  if (text !== text.trim() || controls.test(text))
    refuse('saml_subject', 'a subject with blanks around or controls in it');
  return text;
}

/** Formats that name somebody for one sign-in, or something that is no person. */
const unstable = /^urn:oasis:names:tc:SAML:2\.0:nameid-format:(?:transient|entity|encrypted)$/;

export interface SubjectSource {
  readonly nameId: NameId;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  readonly from: SamlSettings['subject'];
  readonly parties: { readonly identityProvider: string; readonly serviceProvider: string };
}

/**
 * What the person is known by for good. Qualifiers other than those that go without saying make another key, written as a
 * list; so no NameID can be chosen to look like somebody else's key.
 * @see SAML 2.0 Core §8.3.7
 */
export function readSubject({ nameId, attributes, from, parties }: SubjectSource): string {
  if (from.from === 'attribute') {
    const [value, second] = attributes[from.name] ?? [];
    if (value === undefined || second !== undefined)
      refuse('saml_subject', 'the attribute has not exactly one value');
    return checkKey(value);
  }
  if (unstable.test(nameId.format ?? '')) refuse('saml_subject', 'a NameID that names nobody for good');
  const qualifiers = [
    without(nameId.nameQualifier, parties.identityProvider),
    without(nameId.spNameQualifier, parties.serviceProvider),
  ];
  if (qualifiers.every((qualifier) => qualifier === '') && !nameId.value.startsWith('[')) return nameId.value;
  return checkKey(JSON.stringify([...qualifiers, nameId.value]));
}

function without(qualifier: string | undefined, implied: string): string {
  return qualifier === undefined || qualifier === implied ? '' : qualifier;
}
