/**
 * Who may call: operators with the scope; the account's own admins too, where it says so (then the address has an
 * `account_id`, which has to be that of their token; `by_token`: the operation keeps to that account itself); or a person
 * about themself.
 */
export type OperationAccess =
  | { readonly operator: `admin:${string}:${'read' | 'write'}`; readonly admin?: true | 'by_token' }
  | { readonly person: true };
