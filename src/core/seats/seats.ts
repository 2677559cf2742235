/**
 * A user's entitlement to a product, held by an account out of its subscription. May be dated. A seat can be kept for
 * somebody who has not come yet: a reservation counts as used until its time is over. Who has none can ask for one:
 * open → granted | refused, by an admin of the account (a mailed link, or the admin interface) or by an operator.
 */
/** Gives back whatever is kept for a user in an account. */
export { countFreeSeats, deleteReservations as releaseSeats } from './queries.ts';
export type { NewSeat } from './queries.ts';
export { assignSeat, ensureSeat, reserveSeat } from './take-seat.ts';
export { getLockedSeat, revokeSeat } from './revoke-seat.ts';
export {
  findSeat,
  listSeatReservations,
  listSeats,
  type Seat,
  type SeatFilter,
  type SeatRef,
  type SeatReservation,
} from './seat-queries.ts';
export { type NewSeatRequest, requestSeat } from './ask-for-seat.ts';
export {
  findSeatRequest,
  listSeatRequests,
  lockSeatRequest,
  type SeatRequest,
  type SeatRequestState,
} from './request-queries.ts';
export {
  decideLinkedSeatRequest,
  findLinkedSeatRequest,
  grantSeatRequest,
  type LinkedSeatRequest,
  refuseSeatRequest,
  type SeatDecision,
} from './seat-requests.ts';
