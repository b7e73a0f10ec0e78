import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apply, isFinal, type JobEvent } from '../../src/jobs/transition.js';
import type { Asset, Job, JobError } from '../../src/store/types.js';
import { aJob, anAsset } from '../store/support/rows.js';

/**
 * What holds for every job whatever happens to it: any events in any order, twice, from several processes, under a
 * clock that jumps in both directions.
 */

const NOW = 1_000_000_000;
/** Histories for each property; `npm run proof` asks for more. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 4_000);
const OWNERS = ['one', 'two', 'three'] as const;
const TOKENS = ['a', 'b', 'c'] as const;

const start = (): Job => aJob({ createdAt: NOW, updatedAt: NOW, dueAt: NOW });

const token = fc.constantFrom(...TOKENS);
const maybeToken = fc.option(token, { nil: undefined });
const owner = fc.constantFrom(...OWNERS);
const units = fc.option(fc.double({ min: 0, max: 9, noNaN: true }), { nil: undefined });
const error: fc.Arbitrary<JobError> = fc.record({
  code: fc.constantFrom('provider_failed' as const, 'download_failed' as const),
  message: fc.constant('it failed'),
  retryable: fc.boolean(),
  charged: fc.constantFrom('no' as const, 'yes' as const, 'unknown' as const),
});
const type = <Name extends string>(name: Name): fc.Arbitrary<Name> => fc.constant(name);

const events: fc.Arbitrary<JobEvent> = fc.oneof(
  fc.record({
    type: type('lease'),
    owner,
    until: fc.integer({ min: NOW - 50_000, max: NOW + 90_000 }),
    isDead: fc.constantFrom(
      () => false,
      (name: string) => name === 'one',
    ),
  }),
  fc.record({ type: type('release'), owner }),
  fc.record({
    type: type('claim'),
    token,
    owner,
    sent: fc.option(fc.constant({ seed: 7 }), { nil: undefined }),
  }),
  fc.record({
    type: type('refused'),
    token: maybeToken,
    next: fc.constant({ provider: 'pixazo' as const, model: 'pixal3d', estimateUsd: null }),
    dueAt: fc.constant(NOW + 5),
  }),
  fc.record({ type: type('accepted'), token, operation: fc.constantFrom('op-1', 'op-2') }),
  fc.record({
    type: type('lost'),
    token: maybeToken,
    error,
    search: fc.option(
      fc.record({
        why: fc.constant('a reset'),
        read: fc.nat(9),
        failed: fc.nat(9),
        dueAt: fc.constant(NOW + 7),
      }),
      { nil: undefined },
    ),
  }),
  fc.record({ type: type('repeat'), token: maybeToken }),
  fc.record({
    type: type('observed'),
    status: fc.record({
      running: fc.boolean(),
      progress: fc.oneof(fc.double({ min: 0, max: 1 }), fc.constantFrom(undefined, NaN, -1, 2, Infinity)),
      queuePosition: fc.option(fc.nat(9), { nil: undefined }),
      stage: fc.option(fc.constant('baking'), { nil: undefined }),
    }),
    typicalSeconds: units,
  }),
  fc.record({ type: type('cancelAsked') }),
  fc.record({ type: type('troubled'), why: fc.constantFrom('no answer', 'a locked key', undefined) }),
  fc.record({
    type: type('cancelAnswered'),
    outcome: fc.constantFrom('removed' as const, 'running' as const, 'finished' as const, 'unsupported' as const, 'failed' as const), // prettier-ignore
  }),
  fc.record({ type: type('completed'), result: fc.constant({ n: 1 }), billedUsd: units, billedUnits: units }),
  fc.record({ type: type('storeFailed'), error, dueAt: fc.constant(NOW + 5) }),
  fc.record({
    type: type('stored'),
    assets: fc.constant<Asset[]>([anAsset()]),
    seed: fc.option(fc.nat(), { nil: undefined }),
    report: fc.constant(undefined),
  }),
  fc.record({ type: type('turnedDown'), token: maybeToken, error }),
  fc.record({ type: type('failed'), error, billedUnits: units }),
  fc.record({ type: type('cancelled'), error, billedUnits: units }),
);

/** An event, when it happens (the clock jumps by up to two minutes either way), and whether it happens twice. */
const step = fc.record({
  event: events,
  jump: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: -120_000, max: 120_000 })),
  twice: fc.boolean(),
});

/** The way of a job that becomes something, with anything in between: pure chance seldom gets far. */
const way: fc.Arbitrary<readonly JobEvent[]> = fc.constantFrom<(readonly JobEvent[])[]>(
  [],
  [{ type: 'claim', token: 'a', owner: 'one' }],
  [
    { type: 'claim', token: 'a', owner: 'one' },
    { type: 'accepted', token: 'a', operation: 'op-1' },
  ],
  [
    { type: 'claim', token: 'a', owner: 'one' },
    {
      type: 'lost',
      token: 'a',
      error: { code: 'unconfirmed', message: 'm', retryable: false, charged: 'unknown' },
    },
  ],
  [
    { type: 'claim', token: 'a', owner: 'one' },
    { type: 'accepted', token: 'a', operation: 'op-1' },
    { type: 'completed', result: { n: 1 }, billedUsd: 0.3 },
  ],
);

const EDGES: Readonly<Record<Job['state'], readonly Job['state'][]>> = {
  intent: ['intent', 'submitting', 'failed', 'cancelled'],
  submitting: ['submitting', 'searching', 'intent', 'submitted', 'unconfirmed', 'failed', 'cancelled'],
  searching: ['searching', 'submitted', 'unconfirmed', 'failed'],
  submitted: ['submitted', 'storing', 'failed', 'cancelled'],
  storing: ['storing', 'succeeded', 'failed'],
  unconfirmed: ['submitted', 'failed'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** What one change may do. */
function holdChange(before: Job, event: JobEvent, now: number, after: Job, assets: unknown): void {
  expect(EDGES[before.state], `${before.state} → ${after.state} by ${event.type}`).toContain(after.state);
  // Whoever speaks of an attempt speaks of the one that was made.
  if ('token' in event && event.type !== 'claim') expect(event.token).toBe(before.attempt?.token);
  // The handle of a paid job is bound once, and never lost or replaced.
  if (before.operation !== undefined) expect(after.operation).toBe(before.operation);
  else if (after.operation !== undefined) {
    const told = event.type === 'accepted' ? [event.token, event.operation] : [];
    expect(told).toEqual([before.attempt?.token, after.operation]);
  }
  if (before.operation !== undefined && after.state !== before.state) {
    // Only the provider's word, and files that are here, end a job that it has.
    if (after.state === 'failed') expect(event.type).toBe('failed');
    if (after.state === 'cancelled') expect(event.type).toBe('cancelled');
  }
  // One attempt at a time, sent by nobody who was asked not to.
  if (after.state === 'submitting' && before.state !== 'submitting') {
    expect([before.state, before.cancelRequested, event.type]).toEqual(['intent', false, 'claim']);
  }
  if (after.state === 'intent') expect([after.cancelRequested, after.attempt]).toEqual([false, undefined]);
  // Numbers that people watch.
  expect(after.progress).toBeGreaterThanOrEqual(before.progress);
  expect(after.progress === 1).toBe(after.state === 'succeeded');
  expect(after.updatedAt).toBeGreaterThanOrEqual(before.updatedAt);
  expect(after.finishedAt !== undefined).toBe(isFinal(after));
  // Money: what was billed stays billed, and "not charged" is said only of what nobody has.
  if (before.billedUsd !== undefined) expect(after.billedUsd).toBeDefined();
  if (before.billedUnits !== undefined) expect(after.billedUnits).toBeDefined();
  if (after.state === 'cancelled' && event.type !== 'cancelled') {
    expect([after.operation, after.error?.charged]).toEqual([undefined, 'no']);
  }
  if (after.state === 'unconfirmed' || after.state === 'searching') expect(after.error).toBeDefined();
  // Files appear together with success, and with nothing else.
  expect(assets !== undefined).toBe(after.state === 'succeeded');
  expect(after.state === 'storing').toBe(after.result !== undefined && after.state !== 'failed');
  // A lease is taken from nobody who may still be at work.
  const { lease } = before;
  if (event.type === 'lease' && lease && lease.owner !== event.owner) {
    expect(lease.until <= now || lease.until > now + 60_000 || event.isDead(lease.owner)).toBe(true);
  }
  if (event.type === 'release') expect(lease?.owner).toBe(event.owner);
  if (event.type !== 'lease' && event.type !== 'release' && !isFinal(after))
    expect(after.lease).toEqual(lease);
  if (isFinal(after)) expect(after.lease).toBeUndefined();
}

/** Asking again is counted, trying again is counted, a lease is renewed; all else happens once. */
const COUNTED: ReadonlySet<JobEvent['type']> = new Set(['cancelAsked', 'storeFailed', 'lease']);

describe('a job', () => {
  it('keeps every promise, whatever happens to it', () => {
    const reached = new Set<Job['state']>();
    fc.assert(
      fc.property(way, fc.array(step, { maxLength: 40 }), (beginning, history) => {
        let job = start();
        let now = NOW;
        const happen = (event: JobEvent): void => {
          const change = apply(job, event, now);
          if (!change) return;
          holdChange(job, event, now, change.job, change.assets);
          job = change.job;
          reached.add(job.state);
        };
        beginning.forEach(happen);
        for (const { event, jump, twice } of history) {
          now += jump;
          happen(event);
          if (!twice) continue;
          const before = job;
          happen(event);
          if (!COUNTED.has(event.type)) expect(job).toEqual(before);
        }
        // What is stored is what comes back.
        expect(JSON.parse(JSON.stringify(job))).toEqual(job);
      }),
      { numRuns: RUNS },
    );
    // Chance got everywhere.
    expect([...reached].toSorted()).toEqual(Object.keys(EDGES).toSorted());
  });
});

/**
 * Processes that keep to the protocol of `submit.ts`, one action at a time in any order, and die at any moment. The
 * provider counts what it was paid for.
 */
interface Process {
  name: (typeof OWNERS)[number];
  alive: boolean;
  /** The attempt that it has claimed, and what came of it. */
  attempt?: { token: string; sent?: 'accepted' | 'refused' | 'unclear' };
}

const ACTIONS = ['claim', 'send', 'tell', 'recover', 'die'] as const;

const move = fc.record({
  process: fc.constantFrom(0, 1, 2),
  action: fc.constantFrom(...ACTIONS, 'claim', 'send', 'tell'),
  outcome: fc.constantFrom('accepted' as const, 'refused' as const, 'unclear' as const),
  /** Whether an unclear outcome was an acceptance after all. */
  bought: fc.boolean(),
});

describe('three processes on one job', () => {
  it('never buy it twice, and never lose what was bought', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        let job = start();
        let tokens = 0;
        const bought = new Set<string>();
        const processes: Process[] = OWNERS.map((name) => ({ name, alive: true }));
        const isDead = (name: string): boolean => !processes.some((one) => one.name === name && one.alive);
        const advance = (event: JobEvent): boolean => {
          const change = apply(job, event, NOW);
          if (change) job = change.job;
          return change !== undefined;
        };
        for (const { process: index, action, outcome, bought: really } of moves) {
          const me = processes[index];
          if (!me?.alive) continue;
          const { attempt } = me;
          if (action === 'die') {
            me.alive = false;
          } else if (action === 'claim' && !attempt) {
            const name = `token ${tokens++}`;
            if (advance({ type: 'claim', token: name, owner: me.name })) me.attempt = { token: name };
          } else if (action === 'send' && attempt && attempt.sent === undefined) {
            attempt.sent = outcome;
            if (outcome === 'accepted' || (outcome === 'unclear' && really)) bought.add(attempt.token);
          } else if (action === 'tell' && attempt?.sent !== undefined) {
            const { token: name, sent } = attempt;
            if (sent === 'accepted') advance({ type: 'accepted', token: name, operation: name });
            else if (sent === 'unclear')
              advance({ type: 'lost', token: name, error: unknown, search: looking });
            else advance({ type: 'refused', token: name, next: again, dueAt: NOW });
            delete me.attempt;
          } else if (action === 'recover' && job.state === 'submitting' && isDead(job.attempt?.owner ?? '')) {
            advance({ type: 'lost', token: job.attempt?.token, error: unknown, search: looking });
          } else if (action === 'recover' && job.state === 'searching') {
            // The provider's list has what was bought, and nothing else.
            const name = job.attempt?.token ?? '';
            if (bought.has(name)) advance({ type: 'accepted', token: name, operation: name });
            else advance({ type: 'lost', token: name, error: unknown });
          }
          expect(bought.size, 'paid more than once').toBeLessThanOrEqual(1);
          const [paid] = bought;
          if (paid === undefined) continue;
          // The row knows of it: as the handle, as the attempt that is open, or as one whose outcome nobody knows.
          expect(job.attempt?.token).toBe(paid);
          expect(['submitting', 'searching', 'submitted', 'unconfirmed']).toContain(job.state);
          if (job.operation !== undefined) expect(job.operation).toBe(paid);
        }
      }),
      { numRuns: RUNS },
    );
  });
});

const unknown: JobError = {
  code: 'unconfirmed',
  message: 'nobody knows',
  retryable: false,
  charged: 'unknown',
};
const looking = { why: 'a reset', read: 0, failed: 0, dueAt: NOW };
const again = { provider: 'pixazo', model: 'pixal3d', estimateUsd: null } as const;
