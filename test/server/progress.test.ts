import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProgressReporter } from '../../src/server/progress.js';
import { aJob } from '../store/support/rows.js';

/** Progress notifications of one call, on a clock of our own. */

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Sent {
  at: number;
  progress: number;
  message: string;
}

function reporter(send: () => Promise<void> = () => Promise.resolve()): {
  progress: ProgressReporter;
  sent: Sent[];
} {
  const sent: Sent[] = [];
  const started = Date.now();
  const progress = new ProgressReporter((number, message) => {
    sent.push({ at: Date.now() - started, progress: number, message });
    return send();
  });
  return { progress, sent };
}

const running = (progress: number, stage = 'meshing') =>
  aJob({ state: 'submitted', running: true, progress, stage, createdAt: Date.now() });

/** Ends a reporter whose last notification went out just now. */
async function stopped(progress: ProgressReporter): Promise<void> {
  const stopping = progress.stop();
  await vi.advanceTimersByTimeAsync(10);
  await stopping;
}

it.each([
  ['before there is a job', undefined],
  ['of a job that does not move', 0.3],
  ['of a job that is nearly done', 0.95],
])('comes at least every 10 s and always rises, below all of it: %s', async (_when, share) => {
  const { progress, sent } = reporter();
  if (share !== undefined) progress.update(running(share));
  // The longest wait that can be asked for.
  await vi.advanceTimersByTimeAsync(600_000);
  const times = [0, ...sent.map(({ at }) => at), 600_000];
  for (const [i, at] of times.slice(1).entries()) expect(at - (times[i] ?? 0)).toBeLessThanOrEqual(10_000);
  for (const [i, { progress: number }] of sent.entries()) {
    expect(number).toBeGreaterThan(sent[i - 1]?.progress ?? 0);
    expect(number).toBeLessThan(100);
  }
  expect(sent.at(-1)?.progress).toBeGreaterThanOrEqual(100 * (share ?? 0));
  expect(sent.at(-1)?.progress).toBeLessThan(100 * (share ?? 0) + 15);
  await stopped(progress);
});

it('tells the stage and the time passed, also when nothing changes', async () => {
  const { progress, sent } = reporter();
  progress.update(running(0.3, 'meshing'));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(sent[0]?.message).toMatch(/^Meshing, 30 %.*\b0 s/);
  expect(sent.at(-1)?.message).toMatch(/^Meshing, 30 %.*\b20 s/);
  await stopped(progress);
});

it('tells a new stage at once, and a job that reports all the time not more often than five times a second', async () => {
  const { progress, sent } = reporter();
  for (let i = 0; i < 1000; i++) {
    progress.update(running(i / 2000, i < 500 ? 'meshing' : 'texturing'));
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(sent.find(({ message }) => message.startsWith('Texturing'))?.at).toBe(500);
  expect(sent.length).toBeGreaterThanOrEqual(5);
  expect(sent.length).toBeLessThanOrEqual(7);
  await stopped(progress);
});

it('does not fall when the job seems to', async () => {
  const { progress, sent } = reporter();
  for (const share of [0.5, 0.2, 0.6]) {
    progress.update(running(share));
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(sent.map((one) => Math.floor(one.progress))).toEqual([50, 50, 60]);
  await stopped(progress);
});

it('stops with the result: what is under way goes out before, nothing after', async () => {
  let arrived = (): void => undefined;
  const { progress, sent } = reporter(() => new Promise((resolve) => (arrived = resolve)));
  progress.update(running(0.5));
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(100);
  let done = false;
  const stopping = progress.stop().then(() => (done = true));
  await vi.advanceTimersByTimeAsync(1000);
  expect(done).toBe(false);
  arrived();
  await vi.advanceTimersByTimeAsync(1000);
  await stopping;
  progress.update(running(0.9));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

it('leaves the result a moment after the last notification', async () => {
  const { progress } = reporter();
  progress.update(running(0.5));
  let done = false;
  const stopping = progress.stop().then(() => (done = true));
  await vi.advanceTimersByTimeAsync(1);
  expect(done).toBe(false);
  await vi.advanceTimersByTimeAsync(10);
  await stopping;
});

it('sends nothing to a client that did not ask', async () => {
  const progress = new ProgressReporter(undefined);
  progress.update(running(0.5));
  expect(vi.getTimerCount()).toBe(0);
  await progress.stop();
});
