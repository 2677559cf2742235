import { minute } from '../../kernel/time.ts';

/** So long a person may take at their identity provider, in seconds. */
export const departureSeconds = 10 * minute;
