/**
 * The templates of our chart, rendered without Helm: as much of its language as we use, and not a word more. What is not
 * known here is an error, so that a check never passes because something was not understood.
 */
import { stringify } from 'yaml';

/** What a template sees as `.`: maps, lists, texts, numbers. */
type Value = unknown;
type Scope = ReadonlyMap<string, Value>;

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: string }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: string;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

export interface Chart {
  readonly templates: ReadonlyMap<string, readonly Node[]>;
}

/** Reads the files of `templates/`; each is a template by its own name, and so is what it defines. */
export function readTemplates(files: Readonly<Record<string, string>>): Chart {
  const templates = new Map<string, readonly Node[]>();
  for (const [name, text] of Object.entries(files)) {
    const parser = new Parser(text, templates);
    templates.set(name, parser.readBody([]).body);
  }
  return { templates };
}

export function render({ templates }: Chart, name: string, root: Value): string {
  const body = templates.get(name);
  if (!body) throw new Error(`there is no template ${name}`);
  const renderer = new Renderer(templates, root);
  return renderer.print(body, root, new Map([['$', root]]));
}

interface Body {
  readonly body: readonly Node[];
  readonly end: string;
}

class Parser {
  readonly #pieces: readonly string[];
  readonly #templates: Map<string, readonly Node[]>;
  #at = 0;

  constructor(text: string, templates: Map<string, readonly Node[]>) {
    const trimmed = text.replaceAll(/\s*\{\{-\s/g, '{{ ').replaceAll(/\s-\}\}\s*/g, ' }}');
    this.#pieces = trimmed.split(/(\{\{.*?\}\})/s);
    this.#templates = templates;
  }

  /** Until one of `ends`; without any until there is no more. */
  readBody(ends: readonly string[]): Body {
    const body: Node[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at] ?? '';
      this.#at += 1;
      if (!piece.startsWith('{{')) {
        body.push({ kind: 'text', text: piece });
        continue;
      }
      const action = piece.slice(2, -2).trim();
      if (ends.includes(action)) return { body, end: action };
      body.push(...this.#readAction(action));
    }
    if (ends.length > 0) throw new Error(`there is no ${ends.join(' or ')}`);
    return { body, end: '' };
  }

  #readAction(action: string): Node[] {
    const [, word = '', pipeline = ''] = /^(define|if|with|range)\s+(.+)$/s.exec(action) ?? [];
    if (word === 'define') {
      this.#templates.set(JSON.parse(pipeline) as string, this.readBody(['end']).body);
      return [];
    }
    if (word === '') {
      if (/^(end|else|template|block)\b|:=|\/\*/.test(action))
        throw new Error(`{{ ${action} }} is not known here`);
      return [{ kind: 'print', pipeline: action }];
    }
    const { body, end } = this.readBody(['else', 'end']);
    const otherwise = end === 'else' ? this.readBody(['end']).body : [];
    return [{ kind: word as 'if', pipeline, body, otherwise }];
  }
}

class Renderer {
  readonly #templates: ReadonlyMap<string, readonly Node[]>;
  readonly #root: Value;

  constructor(templates: ReadonlyMap<string, readonly Node[]>, root: Value) {
    this.#templates = templates;
    this.#root = root;
  }

  print(body: readonly Node[], dot: Value, scope: Scope): string {
    return body.map((node) => this.#printNode(node, dot, scope)).join('');
  }

  #printNode(node: Node, dot: Value, scope: Scope): string {
    if (node.kind === 'text') return node.text;
    if (node.kind === 'print') return textOf(this.#evaluate(node.pipeline, dot, scope));
    if (node.kind === 'range') return this.#printRange(node, dot, scope);
    const value = this.#evaluate(node.pipeline, dot, scope);
    if (!isTrue(value)) return this.print(node.otherwise, dot, scope);
    return this.print(node.body, node.kind === 'with' ? value : dot, scope);
  }

  #printRange(node: Exclude<Node, { kind: 'text' | 'print' }>, dot: Value, scope: Scope): string {
    const [, names, pipeline = node.pipeline] = /^(.*?)\s*:=\s*(.*)$/.exec(node.pipeline) ?? [];
    const value = this.#evaluate(pipeline, dot, scope);
    const entries = Array.isArray(value)
      ? value.map((item, index): [Value, Value] => [index, item])
      : Object.entries(value ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
    const [keyName = '', valueName = ''] = names?.split(/\s*,\s*/) ?? [];
    return entries
      .map(([key, item]) =>
        this.print(node.body, item, new Map([...scope, [keyName, key], [valueName, item]])),
      )
      .join('');
  }

  /** `a b | c d`: what comes before a bar is the last argument of what comes after it. */
  #evaluate(pipeline: string, dot: Value, scope: Scope): Value {
    const commands = pipeline
      .split(/\s*\|\s*/)
      .map((command) => command.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []);
    let result: Value[] = [];
    for (const [name = '', ...words] of commands) {
      const args = [...words.map((word) => this.#operand(word, dot, scope)), ...result];
      if (/^[a-z]/i.test(name)) result = [this.#call(name, args)];
      else if (args.length > 0) throw new Error(`${name} is no function`);
      else result = [this.#operand(name, dot, scope)];
    }
    return result[0];
  }

  #operand(word: string, dot: Value, scope: Scope): Value {
    if (/^("|\d)/.test(word)) return JSON.parse(word) as Value;
    const [, start = '', path = ''] = /^(\$\w*)?((?:\.\w*)+)?$/.exec(word) ?? [];
    if (start === '' && path === '') throw new Error(`${word} is not known here`);
    if (start !== '' && !scope.has(start)) throw new Error(`there is no variable ${start}`);
    const names = path.split('.').filter(Boolean);
    return names.reduce<Value>(member, start === '' ? dot : scope.get(start));
  }

  #call(name: string, args: readonly Value[]): Value {
    const [first, second] = args;
    const indented = () => textOf(second).replaceAll(/^/gm, ' '.repeat(Number(first)));
    const functions: Readonly<Record<string, () => Value>> = {
      include: () => this.#include(textOf(first), second),
      quote: () => JSON.stringify(textOf(first)),
      nindent: () => `\n${indented()}`,
      toYaml: () => stringify(first, { sortMapEntries: true }).trimEnd(),
      default: () => (isTrue(second) ? second : first),
      not: () => !isTrue(first),
      trunc: () => textOf(second).slice(0, Number(first)),
      trimSuffix: () =>
        textOf(second).endsWith(textOf(first)) ? textOf(second).slice(0, -textOf(first).length) : second,
      required: () => {
        if (!isTrue(second)) throw new Error(textOf(first));
        return second;
      },
    };
    const work = functions[name];
    if (!work) throw new Error(`the function ${name} is not known here`);
    return work();
  }

  #include(name: string, dot: Value): string {
    const body = this.#templates.get(name);
    if (!body) throw new Error(`there is no template ${name}`);
    return this.print(body, dot, new Map([['$', this.#root]]));
  }
}

/** A value that is not there is an error: Helm would print nothing, and nobody would notice. */
function member(value: Value, name: string): Value {
  if (typeof value !== 'object' || value === null || !(name in value))
    throw new Error(`there is no .${name}`);
  return (value as Record<string, Value>)[name];
}

function isTrue(value: Value): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function textOf(value: Value): string {
  if (typeof value === 'object') throw new Error('a map or a list is no text: it needs toYaml');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
