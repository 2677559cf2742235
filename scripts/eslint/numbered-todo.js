/** A TODO without the number of an issue is a promise to nobody. */

/** @type {import('eslint').Rule.RuleModule} */
export const numberedTodo = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { unnumbered: 'Name the issue: TODO(#123). Or do it now.' },
  },
  create: (context) => ({
    Program: () => {
      for (const comment of context.sourceCode.getAllComments()) {
        if (/\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/.test(comment.value)) {
          context.report({ loc: comment.loc, messageId: 'unnumbered' });
        }
      }
    },
  }),
};
