/**
 * The shape of XML signatures, checked before anything verifies one: where they may stand, what they may sign, and with
 * which algorithms. What is not of this shape, no library gets to see. The key is none of it: KeyInfo is not read.
 */
import { algorithms, ds, signature } from './names.ts';
import { refuse } from './refusing.ts';
import { childrenNamed, elementsOf, isNamed, textOf, type XmlElement } from './xml.ts';

/** Attributes that some reader takes for an id. */
const idAttribute = /^(?:\{.*\})?id$/i;
const validId = /^[A-Za-z_][\w.-]{0,255}$/;

/**
 * Every id stands once, whatever the attribute is called: with two, one could be verified and the other one read
 * (signature wrapping).
 */
export function checkIds(root: XmlElement): void {
  const seen = new Set<string>();
  for (const { attributes } of elementsOf(root)) {
    for (const [name, value] of attributes) {
      if (!idAttribute.test(name)) continue;
      if (!validId.test(value)) refuse('saml_malformed', 'an id that is none');
      if (seen.has(value)) refuse('saml_malformed', 'an id that stands twice');
      seen.add(value);
    }
  }
}

/** Signatures stand in `owners` and nowhere else, at most one in each, and each signs its owner. */
export function checkSignatures(root: XmlElement, owners: readonly XmlElement[]): void {
  const parts = [...elementsOf(root)].filter(({ local }) => local === 'Signature' || local === 'SignedInfo');
  const signatures = owners.flatMap((owner) => childrenNamed(owner, ds('Signature')));
  // a SignedInfo for each Signature: what else there is would be one in another place, or of another namespace
  if (parts.length !== 2 * signatures.length) refuse('saml_signature', 'a signature where none belongs');
  for (const owner of owners) {
    const [found, second] = childrenNamed(owner, ds('Signature'));
    if (second) refuse('saml_signature', 'two signatures on one element');
    if (found) checkSignature(found, owner);
  }
}

/** @see SAML 2.0 Core §5.4 */
function checkSignature(element: XmlElement, owner: XmlElement): void {
  const [signedInfo] = exactly(element, ['SignedInfo', 'SignatureValue'], ['KeyInfo']);
  const [canonicalization, method, reference] = exactly(signedInfo, [
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
  ]);
  requireAlgorithm(canonicalization, new Set([algorithms.exclusive]));
  requireAlgorithm(method, algorithms.signature);
  const id = owner.attributes.get('ID');
  if (id === undefined || reference?.attributes.get('URI') !== `#${id}`)
    refuse('saml_signature', 'a signature of something else than the element it stands in');
  const [transforms, digestMethod, digestValue] = exactly(reference, [
    'Transforms',
    'DigestMethod',
    'DigestValue',
  ]);
  const [enveloped, exclusive] = exactly(transforms, ['Transform', 'Transform']);
  requireAlgorithm(enveloped, new Set([algorithms.enveloped]));
  requireAlgorithm(exclusive, new Set([algorithms.exclusive]));
  requireAlgorithm(digestMethod, algorithms.digest);
  if (!digestValue || !textOf(digestValue)) refuse('saml_signature', 'no digest');
}

/** The children of an element of a signature, when they are these and no others, in this order. */
function exactly(
  parent: XmlElement | undefined,
  names: readonly string[],
  optional: readonly string[] = [],
): readonly XmlElement[] {
  const children = parent?.children ?? [];
  const expected = [...names, ...optional.slice(0, children.length - names.length)];
  const isAsExpected =
    children.length === expected.length &&
    children.every((child, at) => isNamed(child, [signature, expected[at] ?? '']));
  return isAsExpected ? children : refuse('saml_signature', `not ${names.join(', ')}, or more than that`);
}

function requireAlgorithm(element: XmlElement | undefined, allowed: ReadonlySet<string>): void {
  if (!allowed.has(element?.attributes.get('Algorithm') ?? ''))
    refuse('saml_algorithm', `${element?.local ?? 'none'}: an algorithm that is not allowed`);
}
