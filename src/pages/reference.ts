import { html, type Html } from './html.ts';
import { page, type Page } from './layout.ts';

/** What the page shows of an OpenAPI document. */
interface Described {
  readonly info: { readonly title?: unknown; readonly description?: unknown };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
}

interface Shown {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly { readonly token: readonly string[] }[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
}

interface Answer {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly example?: unknown }>>;
}

interface Entry extends Shown {
  readonly method: string;
  readonly path: string;
}

/** The admin interface for readers: everything on one page, in English like the interface itself. */
export function referencePage({ info, paths }: Described): Page {
  const entries = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, shown]): Entry => ({
      ...(shown as unknown as Shown),
      method: method.toUpperCase(),
      path,
    })),
  );
  const tags = [...new Set(entries.flatMap((entry) => entry.tags))];
  return page(
    { title: String(info.title), wide: true },
    html`<h1>${String(info.title)}</h1>
      ${prose(String(info.description))}
      <p><a href="/api/v1/openapi.json">The same as OpenAPI 3.1</a>, to generate a client from.</p>
      <nav aria-label="Resources" class="tags">
        ${tags.map((tag) => html`<a href="#${anchor(tag)}">${tag}</a> `)}
      </nav>
      ${tags.map(
        (tag) =>
          html`<section>
            <h2 id="${anchor(tag)}">${tag}</h2>
            ${entries.filter((entry) => entry.tags.includes(tag)).map(operation)}
          </section>`,
      )}`,
  );
}

function operation(entry: Entry): Html {
  const { operationId, method, path, summary, description, security, parameters = [], responses } = entry;
  const [answer] = Object.entries(responses).filter(([status]) => status.startsWith('2'));
  const refusals = Object.entries(responses).filter(([status]) => status.startsWith('4'));
  const body = exampleIn(entry.requestBody?.content);
  const answered = exampleIn(answer?.[1].content);
  return html`<details class="operation" id="${operationId}">
    <summary><code>${method} ${path}</code> <span>${summary}</span></summary>
    ${description !== undefined && prose(description)}
    <p>
      Scope:
      ${join(
        security.map(({ token }) => html`<code>${token.join(' ')}</code>`),
        ' or ',
      )}
    </p>
    ${parameters.length > 0 && html`<dl>${parameters.map(parameter)}</dl>`}
    ${
      body !== undefined &&
      html`<h3>Body</h3>
        <pre tabindex="0">${body}</pre>`
    }
    <h3>Answer ${answer?.[0]}</h3>
    ${answered !== undefined ? html`<pre tabindex="0">${answered}</pre>` : html`<p>No body.</p>`}
    <h3>Refusals</h3>
    <dl>
      ${refusals.map(
        ([status, refusal]) =>
          html`<dt>${status}</dt>
            <dd>${prose(refusal.description)}</dd>`,
      )}
    </dl>
  </details>`;
}

function parameter({ name, in: where, required = false, description = '' }: Parameter): Html {
  return html`<dt><code>${name}</code> (${where}${required && ', required'})</dt>
    <dd>${code(description)}</dd>`;
}

function exampleIn(content: Answer['content']): string | undefined {
  const [media] = Object.values(content ?? {});
  return media?.example === undefined ? undefined : JSON.stringify(media.example, null, 2);
}

/** Paragraphs, lists and `code`: the little of Markdown that the document uses. */
function prose(text: string): Html {
  const blocks = text.split(/\n\n+/);
  return html`${blocks.map((block) =>
    block.startsWith('* ')
      ? html`<ul>
          ${block
            .split(/\n?\* /)
            .filter(Boolean)
            .map((item) => html`<li>${code(item)}</li>`)}
        </ul>`
      : html`<p>${code(block)}</p>`,
  )}`;
}

function code(text: string): Html {
  return html`${text
    .replaceAll('**', '')
    .split('`')
    .map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

function join(parts: readonly Html[], between: string): Html {
  return html`${parts.map((part, index) => (index === 0 ? part : html`${between}${part}`))}`;
}

function anchor(tag: string): string {
  return tag.toLowerCase().replace(/[^a-z]+/g, '-');
}
