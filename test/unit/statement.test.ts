import t from 'tap';
import { ConditionFailed, failedConditionOf } from '../../src/provider/statement.ts';

t.test('a condition that fails is known in every language of a server', (t) => {
  for (const message of [
    'invalid input syntax for type integer: "condition 3 fails, rows: 0"',
    'ungültige Eingabesyntax für Typ integer: »condition 3 fails, rows: 0«',
    'syntaxe en entrée invalide pour le type integer : « condition 3 fails, rows: 0 »',
    '"integer"型の入力構文が不正です: "condition 3 fails, rows: 0"',
  ]) {
    const failed = failedConditionOf({ code: '22P02', message });
    t.ok(failed instanceof ConditionFailed);
    t.equal(failed?.place, 3);
  }
  t.end();
});

t.test('and nothing else is taken for one', (t) => {
  t.equal(
    failedConditionOf({ code: '22P02', message: 'invalid input syntax for type uuid: "x"' }),
    undefined,
  );
  t.equal(failedConditionOf({ code: '23505', message: '"condition 3 fails, rows: 0"' }), undefined);
  t.equal(failedConditionOf(new Error('condition 3 fails, rows: 0')), undefined);
  t.end();
});
