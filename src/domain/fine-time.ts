/** A time that was given more finely than milliseconds, in which times are stored: the millisecond that it lies in. */
class TimeWithin extends Date {}

/** Digits behind the milliseconds that are not all zero. */
const FINER = /\.\d{3}\d*[1-9]/

/** The time that a text names, cut to milliseconds, with the knowledge of whether something was cut. */
export function fineTime(text: unknown, cut: Date): Date {
  return typeof text === 'string' && FINER.test(text) ? new TimeWithin(cut) : cut
}

/** The first time that can be stored and is not before this one: what "at this time or later" and "earlier" begin and end with. */
export function firstFrom(time: Date): Date {
  return time instanceof TimeWithin ? new Date(time.getTime() + 1) : time
}
