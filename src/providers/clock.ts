import { setTimeout as pause } from 'node:timers/promises';

/** Time as providers see it; tests put the emulator's in its place. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) => pause(ms, undefined, { signal }),
};
