import { describe, expect, test } from 'vitest';
import { MeshwrightError } from '../../../src/errors.js';
import type {
  Allowance,
  ImageRef,
  Job,
  JobChange,
  JobState,
  JobStore,
  Page,
} from '../../../src/store/types.js';
import { aJob, anAsset } from '../support/rows.js';

/**
 * What every JobStore promises.
 *
 * @param open An empty store, closed by the caller's own clean-up, and how to reach the same rows through another connection.
 */
export function jobStoreSuite(
  name: string,
  open: () => Promise<{ store: JobStore; another: () => Promise<JobStore> }>,
): void {
  describe(`${name}: rows`, () => {
    test('gives back every field of a job as it was written', async () => {
      const { store, another } = await open();
      const full = aJob({
        state: 'submitted',
        args: { text: 'Stuhl “ä” 🪑\u0000', nested: [1, 2.5, null, { deep: true }] },
        images: {
          image_url: {
            kind: 'blob',
            key: 'input_ab.png',
            sha256: 'ab',
            mimeType: 'image/png',
            width: 3,
            height: 4,
          },
          more: [{ kind: 'url', url: 'https://example.com/b.png' }],
        },
        attempt: { token: 't', at: 5 },
        operation: { request: 'r-1', urls: ['https://example.com'] },
        queuePosition: 3,
        progress: 0.25,
        seed: 2 ** 31,
        estimateUsd: null,
        billedUsd: 0.07,
        result: { files: [] },
        report: { shape: 'lathe' },
        error: { code: 'timeout', message: 'Too slow.', field: 'x', retryable: true, charged: 'unknown' },
        startedAt: 6,
        finishedAt: 7,
        lease: { owner: 'somebody', until: 8 },
      });
      await store.create(full, undefined);
      expect(await store.get(full.id)).toEqual(full);
      expect(await (await another()).get(full.id)).toEqual(full);
      expect(await store.get(aJob().id)).toBeUndefined();
    });

    test('refuses a row that could not be read again', async () => {
      const { store } = await open();
      const broken = aJob({ progress: Number.NaN });
      await expect(store.create(broken, undefined)).rejects.toThrow(broken.id);
      expect(await store.get(broken.id)).toBeUndefined();
    });
  });

  describe(`${name}: the same call`, () => {
    const answers: [JobState, boolean][] = [
      ['intent', true],
      ['submitting', true],
      ['searching', true],
      ['submitted', true],
      ['storing', true],
      ['succeeded', true],
      ['unconfirmed', true],
      ['failed', false],
      ['cancelled', false],
    ];
    test.each(answers)('a job that is %s answers an equal call: %s', async (state, existing) => {
      const { store } = await open();
      const first = aJob({ state, digest: 'same' });
      await store.create(first, undefined);
      const second = aJob({ digest: 'same' });
      const answer = await store.create(second, 0);
      expect(answer).toEqual({ job: existing ? first : second, existing });
      expect((await store.get(second.id)) === undefined).toBe(existing);
    });

    test('only inside the window, only for the same digest and principal, and never when it is not asked for', async () => {
      const { store } = await open();
      await store.create(aJob({ digest: 'same', createdAt: 500 }), undefined);
      expect((await store.create(aJob({ digest: 'same' }), undefined)).existing).toBe(false);
      expect((await store.create(aJob({ digest: 'same', principal: 'bob' }), 500)).existing).toBe(false);
      expect((await store.create(aJob({ digest: 'other' }), 500)).existing).toBe(false);
      await store.create(aJob({ digest: 'old', createdAt: 499 }), undefined);
      expect((await store.create(aJob({ digest: 'old' }), 500)).existing).toBe(false);
      await store.create(aJob({ digest: 'edge', createdAt: 500 }), undefined);
      expect((await store.create(aJob({ digest: 'edge' }), 500)).existing).toBe(true);
    });

    test('the newest of several answers', async () => {
      const { store } = await open();
      const newest = aJob({ digest: 'same', createdAt: 300 });
      await store.create(aJob({ digest: 'same', createdAt: 200 }), undefined);
      await store.create(newest, undefined);
      await store.create(aJob({ digest: 'same', createdAt: 100 }), undefined);
      expect((await store.create(aJob({ digest: 'same' }), 0)).job.id).toBe(newest.id);
    });

    test('fifty equal calls over two connections make one job', async () => {
      const { store, another } = await open();
      const other = await another();
      const calls = Array.from({ length: 50 }, (_, n) =>
        (n % 2 ? store : other).create(aJob({ digest: 'same' }), 0),
      );
      const answers50 = await Promise.all(calls);
      expect(answers50.filter(({ existing }) => !existing)).toHaveLength(1);
      expect(new Set(answers50.map(({ job }) => job.id)).size).toBe(1);
    });
  });

  describe(`${name}: spending`, () => {
    const upTo = (limit: number): Allowance => ({
      since: 100,
      check: (spent) => {
        if (spent + 1 > limit) throw new MeshwrightError('over_budget', `${spent} is spent.`);
      },
    });

    test('counts what was billed, or else estimated, of this principal since that moment', async () => {
      const { store } = await open();
      const free = { code: 'provider_failed', message: 'No.', retryable: false, charged: 'no' } as const;
      for (const job of [
        aJob({ estimateUsd: 1, createdAt: 100 }),
        aJob({ estimateUsd: 2, billedUsd: 4, state: 'succeeded' }),
        aJob({ estimateUsd: 8, state: 'failed', error: { ...free, charged: 'unknown' } }),
        aJob({ estimateUsd: 16, state: 'unconfirmed' }),
        aJob({ estimateUsd: null }),
        aJob({ estimateUsd: 100, createdAt: 99 }),
        aJob({ estimateUsd: 100, principal: 'bob' }),
        aJob({ estimateUsd: 100, state: 'failed', error: free }),
      ]) {
        await store.create(job, undefined);
      }
      const asked: number[] = [];
      await store.create(aJob(), undefined, { since: 100, check: (spent) => void asked.push(spent) });
      expect(asked.at(-1)).toBeCloseTo(29);
    });

    test('gives back what a job held once it is known to have cost nothing, and takes the bill for the estimate', async () => {
      const { store } = await open();
      const job = aJob({ estimateUsd: 1, state: 'submitted' });
      await store.create(job, undefined);
      const spent = async (change: Partial<Job>): Promise<number> => {
        await store.change(job.id, (row) => ({ job: { ...row, ...change } }));
        let held = Number.NaN;
        await store.create(aJob({ estimateUsd: 0 }), undefined, {
          since: 0,
          check: (usd) => void (held = usd),
        });
        return held;
      };
      const no = { code: 'provider_failed', message: 'No.', retryable: false, charged: 'no' } as const;
      expect(await spent({})).toBe(1);
      // A passing error of a job that goes on says nothing of the end.
      expect(await spent({ state: 'storing', error: no })).toBe(1);
      expect(await spent({ state: 'unconfirmed', error: { ...no, charged: 'unknown' } })).toBe(1);
      expect(await spent({ state: 'failed', error: no })).toBe(0);
      expect(await spent({ state: 'cancelled', error: no })).toBe(0);
      expect(await spent({ state: 'cancelled', error: { ...no, charged: 'unknown' } })).toBe(1);
      expect(await spent({ state: 'succeeded', billedUsd: 0.25 })).toBe(0.25);
      expect(await spent({ state: 'succeeded', billedUsd: 0 })).toBe(0);
    });

    test('sums up per day in UTC, provider and model, dollars and units apart, newest day first', async () => {
      const { store, another } = await open();
      const midnight = Date.UTC(2026, 10, 20);
      const no = { code: 'provider_failed', message: 'No.', retryable: false, charged: 'no' } as const;
      for (const job of [
        // The last moment of one day and the first of the next.
        aJob({ createdAt: midnight - 1, estimateUsd: 1 }),
        aJob({ createdAt: midnight, estimateUsd: 2, state: 'succeeded', billedUnits: 1.5 }),
        aJob({ createdAt: midnight + 5, estimateUsd: 4, billedUsd: 3, state: 'succeeded' }),
        aJob({ createdAt: midnight + 6, estimateUsd: 8, state: 'failed', error: no, billedUnits: 9 }),
        aJob({ createdAt: midnight + 7, estimateUsd: null, state: 'unconfirmed' }),
        aJob({ createdAt: midnight + 8, estimateUsd: 16, model: 'fal-ai/trellis/multi' }),
        aJob({ createdAt: midnight, estimateUsd: null, provider: 'scenario', model: 's', billedUnits: 25 }),
        aJob({ createdAt: midnight, estimateUsd: null, provider: 'scenario', model: 's', billedUnits: 5 }),
        aJob({ createdAt: midnight, estimateUsd: 0, billedUsd: 0, provider: 'local', model: 'l' }),
        aJob({ createdAt: midnight - 2, estimateUsd: 99 }),
        aJob({ createdAt: midnight, estimateUsd: 99, principal: 'bob' }),
      ]) {
        await store.create(job, undefined);
      }
      const nothing = { jobs: 1, free: 0, unknown: 0, billedUsd: null, billedUnits: null };
      const trellis = { ...nothing, provider: 'fal', model: 'fal-ai/trellis' };
      const rows = [
        {
          ...trellis,
          day: '2026-11-20',
          jobs: 4,
          free: 1,
          unknown: 1,
          estimateUsd: 6,
          billedUsd: 3,
          spentUsd: 5,
          billedUnits: 1.5,
        },
        { ...trellis, day: '2026-11-20', model: 'fal-ai/trellis/multi', estimateUsd: 16, spentUsd: 16 },
        {
          ...nothing,
          day: '2026-11-20',
          provider: 'local',
          model: 'l',
          free: 1,
          estimateUsd: 0,
          billedUsd: 0,
          spentUsd: 0,
        },
        {
          ...nothing,
          day: '2026-11-20',
          provider: 'scenario',
          model: 's',
          jobs: 2,
          unknown: 2,
          estimateUsd: 0,
          spentUsd: 0,
          billedUnits: 30,
        },
        { ...trellis, day: '2026-11-19', estimateUsd: 1, spentUsd: 1 },
      ];
      expect(await store.costs('ada', midnight - 1)).toEqual(rows);
      expect(await (await another()).costs('ada', midnight)).toEqual(rows.slice(0, -1));
      expect(await store.costs('eve', 0)).toEqual([]);
      expect(await store.principals(9)).toContain('ada');
      expect(await store.principals(1)).toHaveLength(1);
    });

    test('jobs of everybody are counted by state and provider, with the dollars of those since a moment', async () => {
      const { store } = await open();
      expect(await store.tally(0)).toEqual([]);
      const add = async (job: Partial<Job>): Promise<void> => {
        await store.create(aJob(job), undefined);
      };
      await add({ principal: 'ada', provider: 'fal', estimateUsd: 2, createdAt: 10 });
      await add({ principal: 'eve', provider: 'fal', estimateUsd: 3, createdAt: 20 });
      await add({ principal: 'eve', provider: 'scenario', estimateUsd: null, createdAt: 20 });
      const rows = (await store.tally(15)).toSorted((a, b) => a.provider.localeCompare(b.provider));
      expect(rows).toEqual([
        { state: 'intent', provider: 'fal', jobs: 2, spentUsd: 3 },
        { state: 'intent', provider: 'scenario', jobs: 1, spentUsd: 0 },
      ]);
    });

    test('a job that is refused is not written, and an equal call is answered without asking', async () => {
      const { store } = await open();
      const first = aJob({ digest: 'same', estimateUsd: 1 });
      await store.create(first, 0, upTo(1));
      const refused = aJob({ estimateUsd: 1 });
      await expect(store.create(refused, 0, upTo(1))).rejects.toMatchObject({ code: 'over_budget' });
      expect(await store.get(refused.id)).toBeUndefined();
      expect(await store.create(aJob({ digest: 'same' }), 0, upTo(1))).toEqual({
        job: first,
        existing: true,
      });
    });

    test('preflight says what create would do, and writes nothing', async () => {
      const { store, another } = await open();
      const first = aJob({ digest: 'same', estimateUsd: 1, createdAt: 500 });
      expect(await store.preflight(first, 0, upTo(1))).toBeUndefined();
      expect(await store.get(first.id)).toBeUndefined();
      await store.create(first, undefined);
      const other = await another();
      const second = aJob({ digest: 'same', estimateUsd: 1 });
      expect(await other.preflight(second, 500, upTo(1))).toEqual(first);
      await expect(other.preflight(second, 501, upTo(1))).rejects.toMatchObject({ code: 'over_budget' });
      await expect(other.preflight(second, undefined, upTo(1))).rejects.toMatchObject({
        code: 'over_budget',
      });
      expect(await other.preflight({ ...second, principal: 'bob' }, 0, upTo(1))).toBeUndefined();
    });

    test('many calls at once over two connections cannot take more than is left', async () => {
      const { store, another } = await open();
      const other = await another();
      const calls = Array.from({ length: 20 }, (_, n) =>
        (n % 2 ? store : other).create(aJob({ estimateUsd: 1 }), undefined, upTo(5)),
      );
      const outcomes = await Promise.allSettled(calls);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    });
  });

  test(`${name}: durations are those of the model's last successes, newest first`, async () => {
    const { store } = await open();
    const took = (createdAt: number, ms: number, fields: Partial<Job> = {}): Job =>
      aJob({
        state: 'succeeded',
        model: 'm',
        createdAt,
        startedAt: createdAt,
        finishedAt: createdAt + ms,
        ...fields,
      });
    for (const job of [
      took(3, 30),
      took(1, 10),
      took(2, 20),
      took(4, 40, { model: 'other' }),
      took(5, 50, { state: 'failed' }),
    ]) {
      await store.create(job, undefined);
    }
    expect(await store.durations('m', 2)).toEqual([30, 20]);
    expect(await store.durations('nothing', 2)).toEqual([]);
  });

  describe(`${name}: change`, () => {
    test('is given the row as it is and answers what it wrote', async () => {
      const { store, another } = await open();
      const job = aJob();
      await store.create(job, undefined);
      const changed = await store.change(job.id, (row) => {
        expect(row).toEqual(job);
        return { job: { ...row, state: 'submitting', attempt: { token: 'a', at: 1 } } };
      });
      expect(changed).toEqual({ ...job, state: 'submitting', attempt: { token: 'a', at: 1 } });
      expect(await (await another()).get(job.id)).toEqual(changed);
    });

    test('leaves the row alone when the step says so, and when there is none', async () => {
      const { store } = await open();
      const job = aJob();
      await store.create(job, undefined);
      expect(await store.change(job.id, () => undefined)).toBeUndefined();
      expect(await store.get(job.id)).toEqual(job);
      expect(await store.change(aJob().id, (row) => ({ job: row }))).toBeUndefined();
    });

    test('a step that throws changes nothing, and the store goes on', async () => {
      const { store } = await open();
      const job = aJob();
      await store.create(job, undefined);
      const failing = store.change(job.id, () => {
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await store.get(job.id)).toEqual(job);
      expect(await store.change(job.id, (row) => ({ job: { ...row, progress: 1 } }))).toMatchObject({
        progress: 1,
      });
    });

    test('job and assets become visible together or not at all', async () => {
      const { store } = await open();
      const job = aJob();
      await store.create(job, undefined);
      const first = anAsset({ jobId: job.id });
      await store.addAsset(first);
      const succeed = (assets: (typeof first)[]): Promise<Job | undefined> =>
        store.change(job.id, (row) => ({ job: { ...row, state: 'succeeded' }, assets }));
      await expect(succeed([anAsset({ jobId: job.id }), first])).rejects.toThrow();
      expect(await store.get(job.id)).toEqual(job);
      expect(await store.assetsOf(job.id)).toEqual([first]);

      const second = anAsset({ jobId: job.id });
      await succeed([second]);
      expect(await store.get(job.id)).toMatchObject({ state: 'succeeded' });
      expect(await store.assetsOf(job.id)).toEqual([first, second]);
    });

    test('of many writes at once, those that fail do not take the others with them', async () => {
      const { store } = await open();
      const taken = anAsset();
      await store.addAsset(taken);
      const jobs = Array.from({ length: 9 }, () => aJob());
      const writes = [
        ...jobs.map((job) => store.create(job, undefined)),
        store.addAsset(taken),
        store.create(aJob({ progress: Number.NaN }), undefined),
        store.addAsset(anAsset()),
      ];
      const outcomes = (await Promise.allSettled(writes)).map(({ status }) => status);
      expect(outcomes.toSpliced(9, 2)).toEqual(Array.from({ length: 10 }, () => 'fulfilled'));
      expect(outcomes.slice(9, 11)).toEqual(['rejected', 'rejected']);
      for (const job of jobs) expect(await store.get(job.id)).toEqual(job);
    });

    test('two connections never lose a change of each other', async () => {
      const { store, another } = await open();
      const other = await another();
      const job = aJob({ storeAttempts: 0 });
      await store.create(job, undefined);
      await Promise.all(
        Array.from({ length: 60 }, (_, n) => (n % 2 ? store : other).change(job.id, countUp)),
      );
      expect(await store.get(job.id)).toMatchObject({ storeAttempts: 60 });
    });
  });

  describe(`${name}: lists`, () => {
    test('pages run from the newest to the oldest, each row once, also while rows are added', async () => {
      const { store } = await open();
      // Four moments for 22 rows: many rows share one.
      const jobs = Array.from({ length: 22 }, (_, n) => aJob({ createdAt: 100 + (n % 4) }));
      await Promise.all(jobs.map((job) => store.create(job, undefined)));
      await store.create(aJob({ principal: 'bob' }), undefined);

      const seen: Job[] = [];
      let cursor: string | undefined;
      do {
        const page: Page<Job> = await store.list({ principal: 'ada', limit: 5, cursor });
        expect(page.rows.length).toBeLessThanOrEqual(5);
        seen.push(...page.rows);
        cursor = page.nextCursor;
        await store.create(aJob({ createdAt: 200 }), undefined);
      } while (cursor !== undefined);
      expect(seen.map(({ id }) => id).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
      const times = seen.map(({ createdAt }) => createdAt);
      expect(times).toEqual(times.toSorted((a, b) => b - a));
    });

    test('a full last page says that it is the last one', async () => {
      const { store } = await open();
      await Promise.all([aJob(), aJob(), aJob()].map((job) => store.create(job, undefined)));
      expect(await store.list({ principal: 'ada', limit: 3 })).not.toHaveProperty('nextCursor');
      expect(await store.list({ principal: 'ada', limit: 2 })).toHaveProperty('nextCursor');
    });

    test('states select', async () => {
      const { store } = await open();
      const failed = aJob({ state: 'failed' });
      const stored = aJob({ state: 'storing' });
      for (const job of [failed, stored, aJob()]) await store.create(job, undefined);
      const list = (states: JobState[]): Promise<Page<Job>> =>
        store.list({ principal: 'ada', states, limit: 9 });
      expect(await list(['failed'])).toEqual({ rows: [failed] });
      expect((await list(['failed', 'storing'])).rows).toHaveLength(2);
      expect(await list(['cancelled'])).toEqual({ rows: [] });
    });

    test('of the submitted rows, those that run or those that do not, page by page', async () => {
      const { store } = await open();
      const inTurn = (n: number): Job =>
        aJob({ state: 'submitted', running: n % 2 === 1, createdAt: 100 + n });
      const submitted = Array.from({ length: 12 }, (_, n) => inTurn(n));
      // What the provider said last counts for nothing in other states.
      const storing = aJob({ state: 'storing', running: false, createdAt: 1 });
      const intent = aJob({ state: 'intent', running: true, createdAt: 2 });
      for (const job of [...submitted, storing, intent]) await store.create(job, undefined);
      const all = async (states: JobState[], running: boolean | undefined): Promise<Job[]> => {
        const rows: Job[] = [];
        let cursor: string | undefined;
        do {
          const page: Page<Job> = await store.list({ principal: 'ada', states, running, limit: 4, cursor });
          // Nothing is filtered after paging: only the last page may be short.
          if (page.nextCursor !== undefined) expect(page.rows).toHaveLength(4);
          rows.push(...page.rows);
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        return rows;
      };
      const newest = submitted.toReversed();
      const running = newest.filter((job) => job.running);
      const waiting = newest.filter((job) => !job.running);
      expect(await all(['submitted', 'storing'], true)).toEqual([...running, storing]);
      expect(await all(['intent', 'submitted'], false)).toEqual([...waiting, intent]);
      expect(await all(['submitted'], undefined)).toEqual(newest);

      const [first] = waiting;
      if (!first) throw new Error('Some wait.');
      await store.change(first.id, (row) => ({ job: { ...row, running: true } }));
      expect(await all(['submitted'], false)).toEqual(waiting.slice(1));
    });

    test.each([
      '',
      'x',
      'MTIz',
      '../..',
      'a'.repeat(500),
      Buffer.from('1.job_1; drop').toString('base64url'),
    ])('refuses the cursor %j', async (cursor) => {
      const { store } = await open();
      const refusal = { code: 'invalid_arguments', field: 'cursor' };
      await expect(store.list({ principal: 'ada', limit: 5, cursor })).rejects.toMatchObject(refusal);
      await expect(store.listAssets({ principal: 'ada', limit: 5, cursor })).rejects.toMatchObject(refusal);
    });
  });

  describe(`${name}: an operation that somebody may hold`, () => {
    test('is shown to who wants it with those of the other jobs of its provider', async () => {
      const { store } = await open();
      const wants = aJob({ state: 'searching', operation: { id: 'own' } });
      for (const job of [
        wants,
        aJob({ operation: { id: 'held', more: [1] }, createdAt: 500 }),
        aJob({ operation: 'a text', createdAt: 501, principal: 'bob' }),
        aJob({ createdAt: 502 }),
        aJob({ operation: { id: 'too old' }, createdAt: 499 }),
        aJob({ operation: { id: 'elsewhere' }, provider: 'pixazo' }),
      ]) {
        await store.create(job, undefined);
      }
      let seen: readonly unknown[] = [];
      const left = await store.bind(wants.id, 500, (_row, taken) => {
        seen = taken;
        return undefined;
      });
      expect(left).toBeUndefined();
      expect(seen).toHaveLength(2);
      expect(seen).toEqual(expect.arrayContaining([{ id: 'held', more: [1] }, 'a text']));
      const bound = await store.bind(wants.id, 500, (row) => ({ job: { ...row, state: 'submitted' } }));
      expect(bound?.state).toBe('submitted');
      expect((await store.get(wants.id))?.state).toBe('submitted');
    });

    test('is taken by one of two that want it at the same moment', async () => {
      const { store, another } = await open();
      const other = await another();
      for (let round = 0; round < 10; round++) {
        const jobs = [aJob({ state: 'searching' }), aJob({ state: 'searching' })];
        for (const job of jobs) await store.create(job, undefined);
        const taken = await Promise.all(
          jobs.map(({ id }, n) =>
            (n === 0 ? store : other).bind(id, 0, (row, held) =>
              held.includes(`op ${round}`)
                ? undefined
                : { job: { ...row, state: 'submitted', operation: `op ${round}` } },
            ),
          ),
        );
        expect(taken.filter(Boolean)).toHaveLength(1);
      }
    });
  });

  describe(`${name}: what is due`, () => {
    test('live jobs whose moment has come, oldest first', async () => {
      const { store } = await open();
      const early = aJob({ dueAt: 10 });
      const middle = aJob({ dueAt: 20, state: 'storing' });
      const late = aJob({ dueAt: 30, state: 'searching' });
      for (const job of [
        late,
        middle,
        aJob({ dueAt: 31 }),
        early,
        aJob({ dueAt: 1, state: 'succeeded' }),
        aJob({ dueAt: 1, state: 'failed' }),
        aJob({ dueAt: 1, state: 'cancelled' }),
        aJob({ dueAt: 1, state: 'unconfirmed' }),
      ]) {
        await store.create(job, undefined);
      }
      expect(await store.due(30, never, 10)).toEqual([early.id, middle.id, late.id]);
      expect(await store.due(30, never, 1)).toEqual([early.id]);
      expect(await store.due(20, never, 10)).toContain(middle.id);
    });

    test('not those that somebody works on, unless the lease is over or its owner is dead', async () => {
      const { store } = await open();
      const [held, over, orphan, free] = [
        aJob({ dueAt: 1, lease: { owner: 'alive', until: 101 } }),
        aJob({ dueAt: 2, lease: { owner: 'alive', until: 100 } }),
        aJob({ dueAt: 3, lease: { owner: 'dead', until: 1_000 } }),
        aJob({ dueAt: 4 }),
      ];
      for (const job of [held, over, orphan, free]) await store.create(job, undefined);
      expect(await store.due(100, never, 10)).toEqual([over.id, free.id]);
      expect(await store.due(100, (owner) => owner === 'dead', 10)).toEqual([over.id, orphan.id, free.id]);

      await store.change(free.id, (row) => ({ job: { ...row, lease: { owner: 'alive', until: 200 } } }));
      expect(await store.due(100, never, 10)).toEqual([over.id]);
    });

    test('also those that seem to wait or to be held for longer than anything is: the clock was set back', async () => {
      const { store } = await open();
      const [soon, hour] = [60_000, 3_600_000];
      const waiting = aJob({ dueAt: hour });
      const held = aJob({ dueAt: 1, lease: { owner: 'alive', until: hour } });
      const rightly = [aJob({ dueAt: soon }), aJob({ dueAt: 1, lease: { owner: 'alive', until: soon } })];
      for (const job of [waiting, held, ...rightly]) await store.create(job, undefined);
      expect(await store.due(1, never, 10)).toEqual([held.id, waiting.id]);
    });

    test('a row of the same id answers, whatever else is asked for: it was agreed to once', async () => {
      const { store } = await open();
      const job = aJob();
      await store.create(job, undefined);
      expect(await store.create({ ...job, digest: 'another' }, undefined)).toEqual({ job, existing: true });
      await expect(store.create({ ...job, principal: 'another' }, undefined)).rejects.toThrow();
    });

    test('nextDue is the earliest moment of a live job that nobody holds, or the earliest after another', async () => {
      const { store } = await open();
      expect(await store.nextDue()).toBeUndefined();
      await store.create(aJob({ dueAt: 5, state: 'succeeded' }), undefined);
      await store.create(aJob({ dueAt: 6, lease: { owner: 'alive', until: 9 } }), undefined);
      expect(await store.nextDue()).toBeUndefined();
      const job = aJob({ dueAt: 70 });
      await store.create(job, undefined);
      await store.create(aJob({ dueAt: 80 }), undefined);
      expect(await store.nextDue()).toBe(70);
      expect(await store.nextDue(69)).toBe(70);
      expect(await store.nextDue(70)).toBe(80);
      expect(await store.nextDue(80)).toBeUndefined();
      await store.change(job.id, (row) => ({ job: { ...row, dueAt: 90 } }));
      expect(await store.nextDue(4)).toBe(80);
    });
  });

  describe(`${name}: assets and inputs`, () => {
    test('an asset comes back as it was written, until it is deleted', async () => {
      const { store } = await open();
      const asset = anAsset({ inspection: { triangles: 12, extents: [1, 2, 3] } });
      await store.addAsset(asset);
      expect(await store.getAsset(asset.id)).toEqual(asset);
      expect(await store.hasAssetKey(asset.key)).toBe(true);
      expect(await store.deleteAsset(asset.id)).toEqual(asset);
      expect(await store.deleteAsset(asset.id)).toBeUndefined();
      expect(await store.getAsset(asset.id)).toBeUndefined();
      expect(await store.hasAssetKey(asset.key)).toBe(false);
    });

    test('lists are per principal and per job, in pages', async () => {
      const { store } = await open();
      const job = aJob();
      await store.create(job, undefined);
      const mine = Array.from({ length: 5 }, (_, n) => anAsset({ jobId: job.id, createdAt: n }));
      for (const asset of mine) await store.addAsset(asset);
      const loose = anAsset({ createdAt: 99 });
      await store.addAsset(loose);
      await store.addAsset(anAsset({ principal: 'bob', jobId: job.id }));

      const first = await store.listAssets({ principal: 'ada', limit: 4 });
      const second = await store.listAssets({ principal: 'ada', limit: 4, cursor: first.nextCursor });
      expect([...first.rows, ...second.rows]).toEqual([loose, ...mine.toReversed()]);
      expect(second).not.toHaveProperty('nextCursor');
      const ofJob = await store.listAssets({ principal: 'ada', jobId: job.id, limit: 9 });
      expect(ofJob.rows).toEqual(mine.toReversed());
    });

    test('assetsOf keeps the order of publishing', async () => {
      const { store } = await open();
      const job = aJob();
      await store.create(job, undefined);
      const assets = Array.from({ length: 6 }, () => anAsset({ jobId: job.id }));
      await store.change(job.id, (row) => ({ job: row, assets }));
      expect(await store.assetsOf(job.id)).toEqual(assets);
    });

    test('an input is in use as long as a live job has it', async () => {
      const { store } = await open();
      const job = aJob({
        images: { front: blob('input_a.png'), more: [blob('input_b.png'), blob('input_c.png')] },
      });
      await store.create(job, undefined);
      await store.create(aJob({ args: { key: 'input_d.png' } }), undefined);
      for (const key of ['input_a.png', 'input_b.png', 'input_c.png'])
        expect(await store.usesBlob(key)).toBe(true);
      for (const key of ['input_d.png', 'input_', 'image/png']) expect(await store.usesBlob(key)).toBe(false);
      await store.change(job.id, (row) => ({ job: { ...row, state: 'failed' } }));
      expect(await store.usesBlob('input_a.png')).toBe(false);
    });
  });

  test(`${name}: close finishes the writes that were begun`, async () => {
    const { store, another } = await open();
    const reader = await another();
    await store.nextDue();
    const jobs = Array.from({ length: 100 }, () => aJob());
    const writes = jobs.map((job) => store.create(job, undefined));
    await store.close();
    await Promise.all(writes);
    expect((await reader.list({ principal: 'ada', limit: 200 })).rows).toHaveLength(100);
  });

  test(`${name}: after close, calls are refused in words`, async () => {
    const { store } = await open();
    await store.create(aJob(), undefined);
    await store.close();
    await store.close();
    await expect(store.nextDue()).rejects.toMatchObject({ code: 'storage', retryable: true });
  });
}

function never(): boolean {
  return false;
}

function countUp(row: Job): JobChange {
  return { job: { ...row, storeAttempts: row.storeAttempts + 1 } };
}

function blob(key: string): ImageRef {
  return { kind: 'blob', key, sha256: 's', mimeType: 'image/png', width: 1, height: 1 };
}
