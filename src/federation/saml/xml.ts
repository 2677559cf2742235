/**
 * The one reading of XML in this folder: strict, with namespaces, and bounded before and while it reads. It knows no
 * entities but the predefined ones, and refuses what lets two readers see two documents: a DOCTYPE, processing
 * instructions, comments, CDATA sections, other encodings than UTF-8.
 */
import { SaxesParser, type SaxesTagNS, type XMLDecl } from 'saxes';
import { refuse } from './refusing.ts';

export interface XmlElement {
  readonly uri: string;
  readonly local: string;
  /** By local name; those of a namespace by `{uri}local`. Declarations of namespaces are not among them. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children. */
  readonly text: string;
}

export interface XmlLimits {
  /** UTF-8 */
  readonly bytes: number;
  readonly elements: number;
  readonly depth: number;
  /** On one element, declarations of namespaces included. */
  readonly attributes: number;
  /** Comments are read over, but for those beside a text: what is before one, or after, could be taken for all of it. */
  readonly commentsBetweenElements?: true;
}

type Growing = XmlElement & { readonly children: XmlElement[]; text: string };

const namespaceDeclarations = 'http://www.w3.org/2000/xmlns/';

/**
 * Counts before anything parses, in one pass over the bytes: a parser that builds trees takes minutes over what costs its
 * sender a hundred kilobytes.
 */
export function checkSize(bytes: Uint8Array, limits: Pick<XmlLimits, 'bytes' | 'elements'>): void {
  if (bytes.length > limits.bytes) refuse('saml_too_large', `more than ${limits.bytes} bytes`);
  // each element has two tags at most, and there is one declaration
  let left = 2 * limits.elements + 1;
  for (let at = bytes.indexOf(0x3c); at >= 0; at = bytes.indexOf(0x3c, at + 1)) {
    left -= 1;
    if (left < 0) refuse('saml_too_large', `more than ${limits.elements} elements`);
  }
}

/** Refuses what is not UTF-8: another reader would replace it by something else. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('saml_malformed', 'not UTF-8');
  }
}

/** The root of a document. */
export function parseXml(text: string, limits: XmlLimits): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const document: Growing = { uri: '', local: '', attributes: new Map(), children: [], text: '' };
  const open = [document];
  let elements = 0;
  let attributes = 0;
  parser.on('error', () => refuse('saml_malformed', 'not well-formed'));
  parser.on('xmldecl', checkDeclaration);
  parser.on('doctype', () => refuse('saml_doctype', 'a document type'));
  parser.on('processinginstruction', () => refuse('saml_pi', 'a processing instruction'));
  const commented = new Set<XmlElement>();
  parser.on('comment', () => {
    if (!limits.commentsBetweenElements) refuse('saml_malformed', 'a comment');
    commented.add(open.at(-1) ?? document);
  });
  parser.on('cdata', () => refuse('saml_malformed', 'a CDATA section'));
  parser.on('opentagstart', () => {
    attributes = 0;
    elements += 1;
    if (elements > limits.elements) refuse('saml_too_large', `more than ${limits.elements} elements`);
    if (open.length > limits.depth) refuse('saml_too_large', `deeper than ${limits.depth} elements`);
  });
  parser.on('attribute', () => {
    attributes += 1;
    if (attributes > limits.attributes) refuse('saml_too_large', `more than ${limits.attributes} attributes`);
  });
  parser.on('opentag', (tag) => {
    const element = elementOf(tag);
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => {
    const element = open.pop();
    if (element && commented.has(element) && element.text.trim() !== '')
      refuse('saml_malformed', 'a comment beside a text');
  });
  parser.on('text', (more) => {
    const element = open.at(-1);
    if (element) element.text += more;
  });
  parser.write(text).close();
  return document.children[0] ?? refuse('saml_malformed', 'no element');
}

function checkDeclaration({ version, encoding = 'UTF-8' }: XMLDecl): void {
  if (version !== '1.0') refuse('saml_malformed', 'not XML 1.0');
  if (encoding.toUpperCase() !== 'UTF-8') refuse('saml_malformed', 'an encoding other than UTF-8');
}

function elementOf({ uri, local, attributes }: SaxesTagNS): Growing {
  const own = Object.values(attributes).filter((attribute) => attribute.uri !== namespaceDeclarations);
  const named = own.map(({ uri, local, value }) => [uri === '' ? local : `{${uri}}${local}`, value] as const);
  return { uri, local, attributes: new Map(named), children: [], text: '' };
}

export type Name = readonly [uri: string, local: string];

export function isNamed(element: XmlElement, [uri, local]: Name): boolean {
  return element.local === local && element.uri === uri;
}

export function childrenNamed(element: XmlElement, name: Name): XmlElement[] {
  return element.children.filter((child) => isNamed(child, name));
}

/** The element and all below it, in the order of the document. */
export function* elementsOf(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of element.children) yield* elementsOf(child);
}

/** Undefined where there are elements inside: taking the text before the first one would cut a name short. */
export function textOf(element: XmlElement): string | undefined {
  return element.children.length === 0 ? element.text.trim() : undefined;
}
