/** Mutants of good responses: each differs from the genuine one in one place, chosen by a seeded generator. */
import { type IdpKey, signRoot, xmlNames } from './saml-idp.ts';
import { signatureOf, without } from './saml-wrapping.ts';

/** Numbers from 0 to below 1, the same ones for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Element {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** Where each element stands. For XML as our own identity provider writes it: no comments, no `>` in values. */
export function elementsOf(xml: string): Element[] {
  const found: Element[] = [];
  const open: { readonly start: number; readonly name: string }[] = [];
  for (const { 0: tag, 1: closing, 2: name = '', index } of xml.matchAll(/<(\/?)([\w:]+)[^<>]*>/g)) {
    const end = index + tag.length;
    if (closing) found.push({ ...(open.pop() ?? { start: 0, name: '' }), end });
    else if (tag.endsWith('/>')) found.push({ start: index, end, name });
    else open.push({ start: index, name });
  }
  return found;
}

export interface Mutation {
  readonly kind: string;
  readonly xml: string;
}

interface Tools {
  readonly xml: string;
  readonly pick: <Item>(items: readonly Item[]) => Item;
  readonly stranger: IdpKey;
}

const cut = (xml: string, { start, end }: Pick<Element, 'start' | 'end'>, by = ''): string =>
  xml.slice(0, start) + by + xml.slice(end);
const put = (xml: string, at: number, what: string): string => xml.slice(0, at) + what + xml.slice(at);

/** Places between two tags, or in a text. */
const placesOf = (xml: string): number[] =>
  elementsOf(xml)
    .flatMap(({ start, end }) => [start, end])
    .filter((at) => at > 0 && at < xml.length);
const textsOf = (xml: string) =>
  [...xml.matchAll(/>([^<>]+)</g)].map(({ 1: text = '', index }) => ({
    start: index + 1,
    end: index + 1 + text.length,
  }));
const valuesOf = (xml: string, names = /[\w:]+/) =>
  [...xml.matchAll(new RegExp(` (?:${names.source})="([^"]*)"`, 'g'))].map(
    ({ 0: all, 1: value = '', index }) => {
      const end = index + all.length - 1;
      return { start: end - value.length, end };
    },
  );
const elementAt = ({ xml, pick }: Tools) => pick(elementsOf(xml).filter(({ start }) => start > 0));

const mutations: Readonly<Record<string, (tools: Tools) => string>> = {
  move: (tools) => {
    const element = elementAt(tools);
    const rest = cut(tools.xml, element);
    return put(rest, tools.pick(placesOf(rest)), tools.xml.slice(element.start, element.end));
  },
  duplicate: (tools) => {
    const { start, end } = elementAt(tools);
    return put(tools.xml, tools.pick(placesOf(tools.xml)), tools.xml.slice(start, end));
  },
  'duplicate under another id': (tools) => {
    const { start, end } = elementAt(tools);
    const copy = tools.xml
      .slice(start, end)
      .replaceAll(/ ID="[^"]*"/g, ' ID="_another"')
      .replaceAll('alice', 'mallory');
    return put(tools.xml, tools.pick(placesOf(tools.xml)), copy);
  },
  strip: (tools) => cut(tools.xml, elementAt(tools)),
  swap: (tools) => {
    const [first, second] = [elementAt(tools), elementAt(tools)].sort((a, b) => a.start - b.start);
    if (!first || !second || first.end > second.start) return cut(tools.xml, elementAt(tools));
    const [one, two] = [first, second].map(({ start, end }) => tools.xml.slice(start, end));
    return cut(cut(tools.xml, second, one), first, two);
  },
  'sign again': ({ xml, stranger }) => signRoot(without(xml, signatureOf(xml)), { key: stranger }),
  'sign the assertion again': ({ xml, stranger }) => {
    const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? '';
    const bare = without(assertion, signatureOf(assertion)).replace('alice', 'mallory');
    return xml.replace(assertion, () => signRoot(bare, { key: stranger }));
  },
  comment: ({ xml, pick }) => put(xml, pick(placesOf(xml)), '<!-- -->'),
  'comment in a text': ({ xml, pick }) => {
    const { start, end } = pick(textsOf(xml));
    return put(xml, pick([start, end, Math.floor((start + end) / 2)]), pick(['<!---->', '<!--x-->']));
  },
  'processing instruction': ({ xml, pick }) => put(xml, pick(placesOf(xml)), '<?x y?>'),
  'text in a processing instruction': ({ xml, pick }) => {
    const text = pick(textsOf(xml));
    return cut(xml, text, `<?p ${xml.slice(text.start, text.end)}?>`);
  },
  CDATA: ({ xml, pick }) => {
    const text = pick(textsOf(xml));
    return cut(xml, text, `<![CDATA[${xml.slice(text.start, text.end)}]]>`);
  },
  'another text': ({ xml, pick }) => {
    const { start, end } = pick(textsOf(xml));
    const at = pick(Array.from({ length: end - start }, (_, offset) => start + offset));
    return cut(xml, { start: at, end: at + 1 }, xml[at] === 'Q' ? 'R' : 'Q');
  },
  'another value': ({ xml, pick }) =>
    cut(xml, pick(valuesOf(xml)), pick(['', 'x', '_other', 'https://evil.test'])),
  'no attribute': ({ xml, pick }) => {
    const { start, end } = pick(valuesOf(xml));
    return cut(xml, { start: xml.lastIndexOf(' ', start), end: end + 1 });
  },
  'another namespace': ({ xml, pick }) =>
    cut(
      xml,
      pick(valuesOf(xml, /xmlns(?::\w+)?/)),
      pick(['urn:evil', 'urn:oasis:names:tc:SAML:1.0:assertion']),
    ),
  'another prefix': (tools) => {
    const { start, name } = elementAt(tools);
    const local = name.split(':').at(-1) ?? '';
    return cut(
      tools.xml,
      { start: start + 1, end: start + 1 + name.length },
      tools.pick([local, `samlp:${local}`, `ds:${local}`, `evil:${local}`]),
    );
  },
  'another algorithm': ({ xml, pick }) =>
    cut(
      xml,
      pick(valuesOf(xml, /Algorithm/)),
      pick([...Object.values(xmlNames), `${xmlNames.exclusive}WithComments`, '', 'none']),
    ),
  'another time': ({ xml, pick }) => {
    const value = pick(valuesOf(xml, /IssueInstant|NotBefore|NotOnOrAfter|AuthnInstant|SessionNotOnOrAfter/));
    const shift = pick([-10 * 365, -1, 1, 10 * 365]) * 86_400_000;
    return cut(xml, value, new Date(Date.parse(xml.slice(value.start, value.end)) + shift).toISOString());
  },
  'a document type': ({ xml, pick }) => pick(['<!DOCTYPE x>', '<!DOCTYPE x [<!ENTITY a "b">]>']) + xml,
  'an attribute more': (tools) => {
    const { start, name } = elementAt(tools);
    return put(
      tools.xml,
      start + 1 + name.length,
      tools.pick([' ID="_more"', ' Id="_more"', ' x="y"', ' xmlns:x="urn:x" x:ID="_more"']),
    );
  },
};

export const mutationKinds = Object.keys(mutations);

/** The genuine response with one mutation of this kind. It may come out as it went in, rarely. */
export function mutate(
  xml: string,
  { kind, random, stranger }: { kind: string; random: () => number; stranger: IdpKey },
): Mutation {
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error(`nothing to pick from: ${kind}`);
    return item;
  };
  const make = mutations[kind];
  if (!make) throw new Error(kind);
  return { kind, xml: make({ xml, pick, stranger }) };
}
