import { expect, it, vi } from 'vitest';
import { watchMemory } from '../src/memory-watch.js';

const MIB = 2 ** 20;

/** A process that grows by so much in every look, and what it is told. */
function grow(step: number, maxBytes: number, free: number): { over: number[]; looks: number } {
  vi.useFakeTimers();
  const over: number[] = [];
  let looks = 0;
  const stop = watchMemory((limit) => over.push(limit), {
    maxBytes,
    rss: () => 100 * MIB + step * looks++,
    free: () => free,
  });
  vi.advanceTimersByTime(2_000);
  stop();
  vi.advanceTimersByTime(2_000);
  vi.useRealTimers();
  return { over, looks };
}

it('work that takes too much is told once, and not looked at any more', () => {
  const { over, looks } = grow(10 * MIB, 55 * MIB, 1000 * MIB);
  expect(over).toEqual([55 * MIB]);
  expect(looks).toBe(7);
});

it('on a small machine too much is less', () => {
  expect(grow(10 * MIB, 5000 * MIB, 100 * MIB).over).toEqual([60 * MIB]);
});

it('work that keeps within is left alone, and the watch ends with it', () => {
  const { over, looks } = grow(MIB, 55 * MIB, 1000 * MIB);
  expect(over).toEqual([]);
  expect(looks).toBe(21);
});
