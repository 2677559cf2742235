/**
 * Trouble of the database: it is gone, full, starting, busy or read-only. Nobody's fault, over after a while, and 503 to
 * whoever asked meanwhile. Told here from mistakes of ours, which are a bare 500; nothing else looks at these codes.
 */
export class DatabaseTrouble extends Error {
  override readonly name = 'DatabaseTrouble';
  /** A SQLSTATE, a code of the operating system, or a word of our own: for the log. */
  readonly reason: string;
  /** Whether its connection is worth nothing any more. */
  readonly isBroken: boolean;

  constructor(reason: string, { cause, isBroken = false }: { cause?: unknown; isBroken?: boolean } = {}) {
    super(`the database is not available: ${reason}`, { cause });
    this.reason = reason;
    this.isBroken = isBroken;
  }
}

/**
 * SQLSTATE, by class or whole: connection exception, resources (disk full, too many connections), cancelled by somebody
 * or by statement_timeout, shutting down or starting, system error, read-only after a fail-over, lock_timeout. A deadlock
 * and a serialization failure are none: whoever meets them tries again at once.
 */
const troubled = /^(?:08...|53...|57...|58...|25006|25P03|55P03)$/;
/** Of these the connection is gone, or leads to a server that must not be asked any more. */
const broken = /^(?:08...|57P..|25006|25P03)$/;

/** What pg throws itself, by how it begins: there are no codes. */
const wireMessages: readonly [message: string, reason: string][] = [
  ['Connection terminated', 'connection_lost'],
  ['Client has encountered a connection error', 'connection_lost'],
  ['Client was closed', 'connection_lost'],
  ['Query read timeout', 'no_answer'],
  ['timeout exceeded when trying to connect', 'no_free_connection'],
  ['timeout expired', 'no_answer'],
  ['Cannot use a pool after calling end', 'closing'],
];

/** Of a statement: undefined when it is a mistake of ours, or a conflict that its caller knows of. */
export function troubleOfStatement(error: unknown): DatabaseTrouble | undefined {
  if (error instanceof DatabaseTrouble) return error;
  const { code, severity, message = '' } = error as { code?: string; severity?: string; message?: string };
  if (severity !== undefined && code !== undefined)
    return troubled.test(code)
      ? new DatabaseTrouble(code, { cause: error, isBroken: broken.test(code) })
      : undefined;
  const reason = wireReason(code, message);
  return reason === undefined ? undefined : new DatabaseTrouble(reason, { cause: error, isBroken: true });
}

/** Of getting a connection: whatever stands in the way of it is trouble, a wrong password too. */
export function troubleOfConnecting(error: unknown): DatabaseTrouble {
  if (error instanceof DatabaseTrouble) return error;
  const { code, message = '' } = error as { code?: string; message?: string };
  const reason = code ?? wireReason(undefined, message) ?? 'cannot_connect';
  return new DatabaseTrouble(reason, { cause: error, isBroken: true });
}

function wireReason(code: string | undefined, message: string): string | undefined {
  // of Node.js: ECONNRESET, EPIPE, ETIMEDOUT; its own complaints about arguments begin with ERR_
  if (code !== undefined && /^E(?!RR_)[A-Z]+$/.test(code)) return code;
  return wireMessages.find(([begins]) => message.startsWith(begins))?.[1];
}
