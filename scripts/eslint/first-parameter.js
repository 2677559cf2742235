/**
 * The first parameter says what a function may do (docs/architecture.md): `db` reads, `tx` writes in the caller's
 * transaction, `ctx` orchestrates. This rule holds names to types, and the verbs of src/core to first parameters.
 */

const typeOf = { ctx: 'Context', tx: 'Tx', db: 'Db' };
const writes = /^(insert|update|delete|lock|consume|record|enqueue)(?=[A-Z]|$)/;
const reads = /^(find|get|list|load|count)(?=[A-Z]|$)/;

/** @type {import('eslint').Rule.RuleModule} */
export const firstParameter = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      wrongType: '`{{name}}` must be typed `{{type}}`.',
      writesWithoutTx: '`{{name}}` writes: its first parameter must be `tx: Tx`.',
      readsWithoutDb: '`{{name}}` reads: its first parameter must be `db`, `tx` or `ctx`.',
    },
  },
  create: (context) => ({
    'ExportNamedDeclaration > FunctionDeclaration': (node) => {
      checkTypes(context, node.params);
      checkVerb(context, node.id, node.params[0]?.name);
    },
    'ExportNamedDeclaration > VariableDeclaration > VariableDeclarator[init.type=/Function/]': (node) => {
      checkTypes(context, node.init.params);
      checkVerb(context, node.id, node.init.params[0]?.name);
    },
  }),
};

function checkTypes(context, parameters) {
  for (const parameter of parameters) {
    const type = Object.hasOwn(typeOf, parameter.name ?? '') ? typeOf[parameter.name] : undefined;
    const given = parameter.typeAnnotation?.typeAnnotation.typeName?.name;
    if (type && given !== type) {
      context.report({ node: parameter, messageId: 'wrongType', data: { name: parameter.name, type } });
    }
  }
}

function checkVerb(context, node, first) {
  const data = { name: node.name };
  if (writes.test(node.name) && first !== 'tx') context.report({ node, messageId: 'writesWithoutTx', data });
  if (reads.test(node.name) && !['db', 'tx', 'ctx'].includes(first)) {
    context.report({ node, messageId: 'readsWithoutDb', data });
  }
}
