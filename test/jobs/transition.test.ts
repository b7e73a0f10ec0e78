import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apply, isFinal, type JobEvent } from '../../src/jobs/transition.js';
import type { Asset, Job, JobError } from '../../src/store/types.js';

const NOW = 1_000_000;
const error: JobError = {
  code: 'provider_failed',
  message: 'it failed',
  retryable: false,
  charged: 'unknown',
};

function job(change: Partial<Job> = {}): Job {
  return {
    id: 'job_00000000000000000000000000',
    principal: 'local',
    tool: 'pixal3d',
    providerChoice: 'auto',
    provider: 'fal',
    model: 'fal-ai/pixal3d',
    digest: 'd',
    state: 'intent',
    args: {},
    images: {},
    running: false,
    progress: 0,
    stage: 'waiting',
    cancelRequested: false,
    estimateUsd: 0.3,
    storeAttempts: 0,
    createdAt: NOW,
    updatedAt: NOW,
    dueAt: NOW,
    ...change,
  };
}

const token = fc.constantFrom('a', 'b');
const owner = fc.constantFrom('one', 'two');
const events: fc.Arbitrary<JobEvent> = fc.oneof(
  fc.record({
    type: fc.constant('lease' as const),
    owner,
    until: fc.integer({ min: NOW, max: NOW + 100 }),
    isDead: fc.constant(() => false),
  }),
  fc.record({ type: fc.constant('release' as const), owner }),
  fc.record({ type: fc.constant('claim' as const), token, owner }),
  fc.record({
    type: fc.constant('refused' as const),
    token: fc.option(token, { nil: undefined }),
    next: fc.constant({ provider: 'pixazo' as const, model: 'pixal3d', estimateUsd: null }),
    dueAt: fc.constant(NOW),
  }),
  fc.record({ type: fc.constant('accepted' as const), token, operation: fc.constantFrom('op-1', 'op-2') }),
  fc.record({
    type: fc.constant('lost' as const),
    token: fc.option(token, { nil: undefined }),
    error: fc.constant(error),
  }),
  fc.record({
    type: fc.constant('observed' as const),
    status: fc.record({
      running: fc.boolean(),
      progress: fc.double({ min: 0, max: 2, noNaN: true }),
      queuePosition: fc.option(fc.nat(9), { nil: undefined }),
    }),
  }),
  fc.constant({ type: 'cancelAsked' as const }),
  fc.record({
    type: fc.constant('cancelAnswered' as const),
    outcome: fc.constantFrom('removed' as const, 'running' as const),
  }),
  fc.record({
    type: fc.constant('completed' as const),
    result: fc.constant({}),
    billedUsd: fc.option(fc.constant(0.3), { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('storeFailed' as const),
    error: fc.constant(error),
    dueAt: fc.constant(NOW + 5),
  }),
  fc.record({
    type: fc.constant('stored' as const),
    assets: fc.constant<Asset[]>([]),
    seed: fc.constant(undefined),
    report: fc.constant(undefined),
  }),
  fc.record({ type: fc.constant('failed' as const), error: fc.constant(error) }),
  fc.record({
    type: fc.constant('turnedDown' as const),
    token: fc.option(token, { nil: undefined }),
    error: fc.constant(error),
  }),
  fc.record({ type: fc.constant('repeat' as const), token }),
  fc.record({ type: fc.constant('cancelled' as const), error: fc.constant(error) }),
);

describe('a job', () => {
  it('keeps its promises whatever happens to it, in any order', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 40 }), (history) => {
        let now = job();
        let submits = 0;
        let refusals = 0;
        history.forEach((event, i) => {
          const before = now;
          now = apply(before, event, NOW + i)?.job ?? before;
          if (now === before) return;
          if (before.state === 'intent' && now.state === 'submitting') submits++;
          if (before.state === 'submitting' && now.state === 'intent') refusals++;
          // An end is final, but for evidence about an unconfirmed job.
          if (isFinal(before) && before.state !== 'unconfirmed') expect.unreachable('a finished job changed');
          if (before.state === 'unconfirmed') expect(now.state).toBe('submitted');
          // The handle of a paid job is never lost or replaced.
          if (before.operation !== undefined) {
            expect(now.operation).toBe(before.operation);
            // Only the provider's word ends a job that it has.
            if (now.state === 'failed') expect(event.type).toBe('failed');
            if (now.state === 'cancelled') expect(event.type).toBe('cancelled');
          }
          // What was asked to stop is never sent afterwards.
          if (before.cancelRequested)
            expect(now.state === 'submitting' && before.state === 'intent').toBe(false);
          // A job that may be waiting for ever to be cancelled does not go back to waiting.
          if (now.state === 'intent') expect(now.cancelRequested).toBe(false);
          expect(now.progress).toBeGreaterThanOrEqual(before.progress);
          expect(now.progress).toBeLessThanOrEqual(1);
          expect(now.state === 'succeeded').toBe(now.progress === 1);
        });
        // At most one attempt can have been accepted.
        expect(submits - refusals).toBeLessThanOrEqual(1);
      }),
      { numRuns: 3000 },
    );
  });

  it('is sent by the first claimer only', () => {
    const claimed = apply(job(), { type: 'claim', token: 'a', owner: 'one' }, NOW);
    expect(claimed?.job.state).toBe('submitting');
    expect(apply(claimed?.job ?? job(), { type: 'claim', token: 'b', owner: 'one' }, NOW)).toBeUndefined();
  });

  it('cannot be accepted with the token of another attempt', () => {
    const submitting = job({ state: 'submitting', attempt: { token: 'a', at: NOW } });
    expect(apply(submitting, { type: 'accepted', token: 'b', operation: 'x' }, NOW)).toBeUndefined();
  });

  it('is cancelled for free before it was sent, and only asked to stop afterwards', () => {
    const early = apply(job(), { type: 'cancelAsked' }, NOW)?.job;
    expect(early).toMatchObject({ state: 'cancelled', error: { charged: 'no' } });
    const late = apply(job({ state: 'submitted', operation: 'x' }), { type: 'cancelAsked' }, NOW)?.job;
    expect(late).toMatchObject({ state: 'submitted', cancelRequested: true });
  });

  it('cannot be claimed after somebody asked to cancel it', () => {
    expect(
      apply(job({ cancelRequested: true }), { type: 'claim', token: 'a', owner: 'one' }, NOW),
    ).toBeUndefined();
  });

  it('belongs to the holder of its lease until the lease is over or the holder dead', () => {
    const held = job({ lease: { owner: 'one', until: NOW + 100 } });
    const take = { type: 'lease', owner: 'two', until: NOW + 200 } as const;
    expect(apply(held, { ...take, isDead: () => false }, NOW)).toBeUndefined();
    expect(apply(held, { ...take, isDead: () => true }, NOW)?.job.lease?.owner).toBe('two');
    expect(apply(held, { ...take, isDead: () => false }, NOW + 101)?.job.lease?.owner).toBe('two');
  });

  it('stays done at the provider when its files could not be fetched', () => {
    const storing = job({ state: 'storing', operation: 'x', result: { url: 'u' } });
    const later = apply(storing, { type: 'storeFailed', error, dueAt: NOW + 5 }, NOW)?.job;
    expect(later).toMatchObject({
      state: 'storing',
      operation: 'x',
      result: { url: 'u' },
      storeAttempts: 1,
      dueAt: NOW + 5,
    });
  });
});
