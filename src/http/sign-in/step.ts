export { readRoute as stepRoute } from './action.ts';
