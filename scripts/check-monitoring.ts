/** What must be true of the alert rules and the dashboard: they ask for numbers that exist, and each alert names its runbook. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { metricNames } from '../src/metrics/metrics.ts';

const root = path.resolve(import.meta.dirname, '..');
const known = metricNames();
/** What Prometheus adds by itself. */
const labelsOfTargets = new Set(['instance', 'job', 'namespace', 'pod']);

const rule = z.strictObject({
  alert: z.string().regex(/^Doorward[A-Z]\w+$/),
  expr: z.string(),
  for: z
    .string()
    .regex(/^\d+[smh]$/)
    .optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({
    summary: z.string(),
    runbook: z.string().regex(/^docs\/runbooks\/[a-z-]+[.]md$/),
  }),
});
const rules = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(rule) })),
});

export function alertProblems(text: string): string[] {
  const document = parseDocument(text);
  const faults = [...document.errors, ...document.warnings].map(({ message }) => message);
  if (faults.length > 0) return faults;
  const parsed = rules.safeParse(document.toJS());
  if (!parsed.success) return parsed.error.issues.map(issueText);
  const all = parsed.data.groups.flatMap((group) => group.rules);
  return [
    ...repeated(all.map(({ alert }) => alert)).map((name) => `the alert ${name} stands twice`),
    ...all.flatMap(({ alert, expr, annotations: { runbook } }) =>
      [
        ...expressionProblems(expr),
        ...(existsSync(path.join(root, runbook)) ? [] : [`the runbook ${runbook} does not exist`]),
      ].map((problem) => `${alert}: ${problem}`),
    ),
  ];
}

const panel = z.looseObject({
  id: z.number(),
  title: z.string().min(1),
  targets: z.array(z.looseObject({ expr: z.string(), refId: z.string() })).default([]),
});
const dashboard = z.looseObject({ uid: z.string(), title: z.string(), panels: z.array(panel) });

export function dashboardProblems(text: string): string[] {
  const parsed = dashboard.safeParse(parseJson(text));
  if (!parsed.success) return parsed.error.issues.map(issueText);
  const { panels } = parsed.data;
  return [
    ...repeated(panels.map(({ id }) => String(id))).map((id) => `two panels have the id ${id}`),
    ...panels.flatMap(({ title, targets }) =>
      targets.flatMap(({ expr }) => expressionProblems(expr)).map((problem) => `${title}: ${problem}`),
    ),
  ];
}

/** Every runbook says how to see it, what to do, and how to know that it worked. */
export function runbookProblems(text: string): string[] {
  const headings = Array.from(text.matchAll(/^## (.+)$/gm), ([, heading]) => heading);
  return ['How to see it', 'What to do', 'How to know that it worked']
    .filter((heading) => !headings.includes(heading))
    .map((heading) => `has no "${heading}"`);
}

/** The numbers it asks for, and the labels by which it chooses among them. */
function expressionProblems(expression: string): string[] {
  const uses = Array.from(
    expression
      .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
      .matchAll(/\b((?:doorward|nodejs|process)_\w+)(?:\{([^}]*)\})?/g),
  );
  if (uses.length === 0) return ['asks for nothing of ours'];
  if (count(expression, '(') !== count(expression, ')')) return ['its brackets do not match'];
  return uses.flatMap(([, name = '', selectors = '']) => {
    const labels = known.get(name);
    if (!labels) return [`there is no ${name}`];
    return Array.from(selectors.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g), ([, label = '']) => label)
      .filter((label) => !labels.includes(label) && !labelsOfTargets.has(label))
      .map((label) => `${name} has no label ${label}`);
  });
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

function repeated(items: readonly string[]): string[] {
  return items.filter((item, index) => items.indexOf(item) !== index);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function issueText({ path: at, message }: z.core.$ZodIssue): string {
  return `${at.join('.')}: ${message}`;
}
