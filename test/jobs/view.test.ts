import { describe, expect, it } from 'vitest';
import { apply } from '../../src/jobs/transition.js';
import { viewJob } from '../../src/jobs/view.js';
import { messageFor } from '../../src/jobs/words.js';
import type { Job } from '../../src/store/types.js';
import { aJob } from '../store/support/rows.js';

/** What is said of a job while it runs. */

const CREATED = 1_000_000;
const submitted = aJob({ state: 'submitted', operation: {}, createdAt: CREATED, updatedAt: CREATED });

/** The job after it was seen to run from `seconds` after its creation on. */
const runningFrom = (seconds: number, typicalSeconds: number | undefined): Job =>
  apply(
    submitted,
    { type: 'observed', status: { running: true, progress: 0.2, stage: 'meshing' }, typicalSeconds },
    CREATED + 1000 * seconds,
  )?.job ?? submitted;

it('has every key in one spelling, also in the report of the generator', () => {
  const report = { mode: 'hull', views: [{ name: 'front', silhouetteIou: 0.98, maskMethod: 'alpha' }] };
  const view = viewJob({ ...submitted, report }, [], { locate: () => ({}) });
  expect(view.report).toEqual({
    mode: 'hull',
    views: [{ name: 'front', silhouette_iou: 0.98, mask_method: 'alpha' }],
  });
});

it.each([
  [0, 'next in the queue'],
  [1, '1 job ahead in the queue'],
  [4, '4 jobs ahead in the queue'],
])('counts the jobs before it alike as a number and in words: %i', (queuePosition, words) => {
  const view = viewJob({ ...submitted, queuePosition }, [], { locate: () => ({}), now: CREATED + 1000 });
  expect(view.queue_position).toBe(queuePosition);
  expect(view.message).toBe(`Queued at fal, ${words} (1 s).`);
});

describe('the time that is left', () => {
  it('is what such jobs usually run, counted from when it began to run', () => {
    const job = runningFrom(100, 60);
    expect(messageFor(job, [], 100)).toBe('Meshing, 19 %, about 60 s left (100 s).');
    expect(messageFor(job, [], 120.4)).toBe('Meshing, 19 %, about 40 s left (120.4 s).');
    expect(messageFor(job, [], 159.9)).toMatch(/about 1 s left/);
  });

  it('is told in minutes where it is long', () => {
    expect(messageFor(runningFrom(0, 600), [], 0)).toMatch(/about 10 min left/);
    expect(messageFor(runningFrom(0, 600), [], 509)).toMatch(/about 2 min left/);
    expect(messageFor(runningFrom(0, 600), [], 511)).toMatch(/about 89 s left/);
  });

  it('is over when the job takes longer, and the message says so', () => {
    const job = runningFrom(0, 60);
    for (const seconds of [60, 61, 100_000]) {
      expect(messageFor(job, [], seconds)).toMatch(/^Meshing, 19 %, longer than the usual 60 s \(/);
    }
  });

  it('does not rise when later jobs were slower or the provider reports anew', () => {
    const job = runningFrom(0, 60);
    const status = { running: true, progress: 0.3, stage: 'texturing' };
    const later = apply(job, { type: 'observed', status, typicalSeconds: 500 }, CREATED + 30_000)?.job ?? job;
    expect(messageFor(later, [], 30)).toMatch(/about 30 s left/);
  });

  it('is not guessed in the queue, nor where nobody knows', () => {
    expect(messageFor({ ...submitted, typicalSeconds: 60 }, [], 10)).toBe('Queued at fal (10 s).');
    expect(messageFor(runningFrom(0, undefined), [], 10)).toBe('Meshing, 19 % (10 s).');
  });
});
