import { describe, expect, it } from 'vitest';
import { backoffMs, pollWaitMs, retryAfterMs } from '../../src/providers/schedule.js';

/** Polls of a job of this length until its end is seen, and how late that is. */
function follow(lengthMs: number, typicalMs: number | undefined): { polls: number; lateMs: number } {
  let polls = 0;
  let age = 0;
  while (age < lengthMs) {
    age += pollWaitMs(age, typicalMs);
    polls += 1;
  }
  return { polls, lateMs: age - lengthMs };
}

describe('the times of polls', () => {
  it.each([
    [20, 40, undefined],
    [60, 120, undefined],
    [300, 900, undefined],
    [3_000, 7_200, undefined],
    [4, 12, 8],
    [15, 25, 20],
    [60, 120, 90],
    [60, 120, 20],
  ])('see ends of jobs of %i to %i s in time with few requests (usual: %s s)', (from, to, typical) => {
    const typicalMs = typical === undefined ? undefined : typical * 1000;
    const jobs = Array.from({ length: 500 }, (_, i) => 1000 * (from + ((to - from) * i) / 500) + 7);
    const seen = jobs.map((length) => ({ length, ...follow(length, typicalMs) }));
    const late = seen.map(({ length, lateMs }) => lateMs / Math.max(1000, 0.04 * length));
    expect(late.toSorted((a, b) => a - b)[Math.floor(late.length * 0.9)]).toBeLessThanOrEqual(1);
    // Submit and result on both sides; 500 ms polling looks once more, at the beginning.
    const ours = seen.reduce((sum, { polls }) => sum + polls + 2, 0);
    const halfSecond = seen.reduce((sum, { length }) => sum + Math.ceil(length / 500) + 3, 0);
    expect(ours / halfSecond).toBeLessThanOrEqual(0.4);
  });

  it('are never further apart than half a minute: results do not live long', () => {
    expect(pollWaitMs(86_400_000)).toBe(30_000);
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1);
  it.each([
    ['7', 7_000],
    ['0', 0],
    ['-3', 0],
    ['1e99', 120_000],
    ['315360000', 120_000],
    [new Date(now + 9_000).toUTCString(), 9_000],
    [new Date(now - 9_000).toUTCString(), 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s is %s ms', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms);
  });
});

describe('back-off', () => {
  it('doubles, and never passes half a minute by more than its spread', () => {
    expect(backoffMs(1)).toBeLessThan(backoffMs(4));
    for (const failures of [1, 5, 50, 5_000]) {
      expect(backoffMs(failures)).toBeGreaterThan(0);
      expect(backoffMs(failures)).toBeLessThanOrEqual(37_500);
    }
  });
});
