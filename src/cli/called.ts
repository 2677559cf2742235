/** How a command is called: what it is not told of here it refuses, and its help and docs/commands.md are made of this. */
export interface Called {
  readonly about: string;
  /** Behind its name: `<one>`, `[<one or none>]`, `<one or more>…`. */
  readonly words?: string;
  /** By name, with what the value looks like; with `…` at its end an option may be given again. */
  readonly options?: Readonly<Record<string, string>>;
  /** Those without which it cannot be done. */
  readonly required?: readonly string[];
  /** Options without a value. */
  readonly flags?: readonly string[];
  /** One line that does something, without `doorward`. */
  readonly example: string;
  /** When it ends with 1 although nothing has failed. */
  readonly endsWith1?: string;
}
