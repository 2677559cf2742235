/** The attributes of an assertion, by name: bounded, and each name once. */
import { saml } from './names.ts';
import { refuse } from './refusing.ts';
import { childrenNamed, type XmlElement } from './xml.ts';

const most = { attributes: 200, values: 500, nameLength: 255, valueLength: 1000 };

/** Names that are something else in an object of JavaScript. */
const reserved = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Two attributes of one name are refused: which of them counts would be for others to choose. Values that are elements,
 * or longer than anything that is mapped (a photo), are left out.
 */
export function readAttributes(assertion: XmlElement): Readonly<Record<string, readonly string[]>> {
  const statements = childrenNamed(assertion, saml('AttributeStatement'));
  const attributes = new Map<string, readonly string[]>();
  let values = 0;
  for (const attribute of statements.flatMap(({ children }) => children)) {
    const name = nameOf(attribute);
    if (attributes.has(name)) refuse('saml_attributes', 'an attribute that stands twice');
    attributes.set(name, valuesOf(attribute));
    values += attributes.get(name)?.length ?? 0;
  }
  if (attributes.size > most.attributes || values > most.values)
    refuse('saml_attributes', 'too many attributes');
  return Object.fromEntries(attributes);
}

function nameOf({ uri, local, attributes }: XmlElement): string {
  const name = attributes.get('Name') ?? '';
  if (uri !== saml('Attribute')[0] || local !== 'Attribute')
    refuse('saml_attributes', 'something else than an attribute');
  if (name === '' || name.length > most.nameLength || reserved.has(name))
    refuse('saml_attributes', 'an attribute with a name that cannot be used');
  return name;
}

function valuesOf(attribute: XmlElement): string[] {
  return childrenNamed(attribute, saml('AttributeValue'))
    .filter(({ children, text }) => children.length === 0 && text !== '' && text.length <= most.valueLength)
    .map(({ text }) => text);
}
