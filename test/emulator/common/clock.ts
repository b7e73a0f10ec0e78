/**
 * The provider's time: job phases, expiry and webhook retries run on it. What belongs to a socket (stalls, drips,
 * delays) runs on real time, because the client's socket does too.
 *
 * One implementation serves all modes: the hand runs at `rate` times real time (0: stands still, the virtual clock;
 * 1: real time; 60: a minute per second), and `advance` jumps. Timers fire in order of their time, never by
 * themselves on a virtual clock.
 */
export interface Clock {
  /** Milliseconds since 1970 on this clock. */
  readonly now: () => number;
  /** Calls `run` with `time` (milliseconds, as `now`) when it is reached; a time in the past is due at once. */
  readonly at: (time: number, run: (time: number) => void) => () => void;
  /** Jumps ahead and fires everything that has become due, in order. */
  readonly advance: (ms: number) => void;
  /** Fires what is due now; on a running clock a request may come before the timer that it depends on. */
  readonly settle: () => void;
  /** Forgets all timers. */
  readonly stop: () => void;
}

export type ClockMode = 'real' | 'virtual' | number;

interface Timer {
  time: number;
  order: number;
  run: ((time: number) => void) | undefined;
}

const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** @param start milliseconds since 1970; by default today's, and 2026-01-01T00:00:00Z on a virtual clock */
export function createClock(mode: ClockMode, start?: number): Clock {
  const rate = mode === 'real' ? 1 : mode === 'virtual' ? 0 : mode;
  const origin = performance.now();
  const heap = new TimerHeap();
  let base = start ?? (rate === 0 ? Date.UTC(2026, 0, 1) : Date.now());
  let order = 0;
  let wake: NodeJS.Timeout | undefined;

  const now = (): number => base + (rate === 0 ? 0 : (performance.now() - origin) * rate);

  /** On a virtual clock time steps from timer to timer, so that a timer set by another one is never late. */
  function fireUntil(limit: number): void {
    for (let next = heap.first(); next && next.time <= limit; next = heap.first()) {
      heap.removeFirst();
      if (rate === 0) base = Math.max(base, next.time);
      next.run?.(next.time);
    }
  }

  function arm(): void {
    clearTimeout(wake);
    const next = heap.first();
    if (rate === 0 || !next) return;
    const wait = Math.max(0, (next.time - now()) / rate);
    wake = setTimeout(
      () => {
        fireUntil(now());
        arm();
      },
      Math.min(Math.ceil(wait), LONGEST_TIMEOUT),
    );
  }

  return {
    now,
    at(time, run) {
      if (time === Infinity) return () => undefined;
      const timer: Timer = { time, order: order++, run };
      heap.add(timer);
      if (heap.first() === timer) arm();
      return () => {
        timer.run = undefined;
      };
    },
    advance(ms) {
      const target = now() + ms;
      if (rate === 0) {
        fireUntil(target);
        base = target;
      } else {
        base += ms;
        fireUntil(now());
        arm();
      }
    },
    settle() {
      fireUntil(now());
    },
    stop() {
      heap.clear();
      clearTimeout(wake);
    },
  };
}

/** A binary heap by time, then by the order of `at`. */
class TimerHeap {
  readonly #timers: Timer[] = [];

  first(): Timer | undefined {
    return this.#timers[0];
  }

  clear(): void {
    this.#timers.length = 0;
  }

  add(timer: Timer): void {
    const timers = this.#timers;
    let at = timers.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = timers[parent];
      if (!above || earlier(above, timer)) break;
      timers[at] = above;
      at = parent;
    }
    timers[at] = timer;
  }

  removeFirst(): void {
    const timers = this.#timers;
    const last = timers.pop();
    if (!last || timers.length === 0) return;
    let at = 0;
    for (;;) {
      const left = timers[2 * at + 1];
      const right = timers[2 * at + 2];
      const child = left && right && earlier(right, left) ? right : left;
      if (!child || earlier(last, child)) break;
      timers[at] = child;
      at = child === left ? 2 * at + 1 : 2 * at + 2;
    }
    timers[at] = last;
  }
}

function earlier(a: Timer, b: Timer): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
