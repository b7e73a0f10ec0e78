import { describe, expect, it } from 'vitest';
import { apply } from '../../src/jobs/transition.js';
import type { Job, JobError } from '../../src/store/types.js';
import { aJob } from '../store/support/rows.js';

const NOW = 1_000_000;
const error: JobError = {
  code: 'provider_failed',
  message: 'it failed',
  retryable: false,
  charged: 'unknown',
};

const job = (change: Partial<Job> = {}): Job =>
  aJob({ createdAt: NOW, updatedAt: NOW, dueAt: NOW, ...change });

describe('a job', () => {
  it('is sent by the first claimer only', () => {
    const claimed = apply(job(), { type: 'claim', token: 'a', owner: 'one' }, NOW);
    expect(claimed?.job.state).toBe('submitting');
    expect(apply(claimed?.job ?? job(), { type: 'claim', token: 'b', owner: 'one' }, NOW)).toBeUndefined();
  });

  it('cannot be accepted with the token of another attempt', () => {
    const submitting = job({ state: 'submitting', attempt: { token: 'a', at: NOW } });
    expect(apply(submitting, { type: 'accepted', token: 'b', operation: 'x' }, NOW)).toBeUndefined();
  });

  it('that was given up for lost is refused all the same, when its refusal comes late', () => {
    for (const state of ['searching', 'unconfirmed'] as const) {
      const lost = job({ state, attempt: { token: 'a', at: NOW } });
      const refused = { ...error, charged: 'no' } as const;
      expect(apply(lost, { type: 'turnedDown', token: 'a', error: refused }, NOW)?.job).toMatchObject({
        state: 'failed',
        error: { charged: 'no' },
      });
      expect(apply(lost, { type: 'turnedDown', token: 'b', error: refused }, NOW)).toBeUndefined();
      expect(
        apply({ ...lost, operation: 'x' }, { type: 'turnedDown', token: 'a', error: refused }, NOW),
      ).toBeUndefined();
    }
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

  it('is not kept from others by a lease of before the clock was set back', () => {
    const held = job({ lease: { owner: 'one', until: NOW + 3_600_000 } });
    const take = { type: 'lease', owner: 'two', until: NOW + 15_000, isDead: () => false } as const;
    expect(apply(held, take, NOW)?.job.lease?.owner).toBe('two');
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
