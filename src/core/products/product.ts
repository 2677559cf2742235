import type { ProductId } from '../../kernel/ids.ts';

export interface Product {
  readonly id: ProductId;
  readonly slug: string;
  readonly name: string;
  /** The resource indicator (RFC 8707) of the product's interface: the audience of access tokens for it. */
  readonly resource: string | null;
  /** The scopes that interface knows. */
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** @see RFC 6749 §3.3 */
export const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

export interface NewProduct {
  /** A stable short name, unique. */
  readonly slug: string;
  readonly name: string;
  /** Unique: see resourceProblem. */
  readonly resource?: string | null;
  readonly scopes?: readonly string[];
}
