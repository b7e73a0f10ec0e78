import { setTimeout as pause } from 'node:timers/promises';

/** Time as a follower sees it; tests put the emulator's in its place. */
export interface FollowClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: FollowClock = {
  now: Date.now,
  sleep: (ms, signal) => pause(ms, undefined, { signal }),
};
