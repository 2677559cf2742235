import { pino, stdTimeFunctions, type Logger } from 'pino';
import type { Config } from '../config/load.ts';
import { openLogDestination } from './log-destination.ts';

/** Structured lines on standard output; secrets that slip into an object are cut out by name. */
export function createLog(config: Pick<Config, 'logLevel'>): Logger {
  const options = {
    level: config.logLevel,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    redact: {
      paths: ['password', 'token', 'secret', 'cookie', 'authorization'].flatMap((name) => [
        name,
        `*.${name}`,
        `*.*.${name}`,
      ]),
      censor: '[redacted]',
    },
  };
  return pino(options, openLogDestination());
}
