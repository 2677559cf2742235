import { askForSeat } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

export const requestSeatRoute = (engine: () => Engine): Route =>
  actionRoute(engine, { name: 'request-seat', transition: askForSeat });
