import { describe, expect, it } from 'vitest';
import type { FalEmulator } from '../emulator/fal.js';
import type { FalAction } from '../emulator/fal/plan.js';
import type { Json } from '../../src/json.js';
import { ProviderFailure } from '../../src/providers/provider.js';
import { emulator } from '../emulator/support.js';
import { errorOf, followContext, IMAGE_URL, providerFor, sharedClock, submitTo } from './fal-support.js';

/** Waits until fal has seen so many requests of a kind. */
async function seen(fal: FalEmulator, op: string, count: number): Promise<void> {
  await expect.poll(() => fal.journal.count('queue', op), { interval: 5 }).toBeGreaterThanOrEqual(count);
}

function plan(fal: FalEmulator, action: Extract<FalAction, { type: 'job' }>): void {
  fal.fault({ match: { op: 'submit' }, action, times: 'always' });
}

describe('following by the status stream', () => {
  it('takes three requests from submit to result, and hears the end at once', async () => {
    const fal = await emulator();
    const provider = providerFor(fal);
    const operation = await submitTo(provider);
    const context = followContext();
    const following = provider.follow(operation, context);
    await seen(fal, 'stream', 1);
    for (let second = 0; second < 100; second += 5) fal.clock.advance(5_000);
    await following;
    const { body, billedUnits } = await provider.result(operation, context);
    expect(body).toMatchObject({ model_glb: { url: expect.any(String) }, seed: expect.any(Number) });
    expect(billedUnits).toBe(1.4);
    expect(fal.journal.counts()).toEqual({ 'queue submit': 1, 'queue stream': 1, 'queue result': 1 });
    expect(fal.journal.entries({ op: 'stream' })[0]).toMatchObject({ query: '?logs=1', status: 200 });
  });

  it.each(['end', 'cut'] as const)(
    'connects again when a stream comes to an %s before its job',
    async (how) => {
      const fal = await emulator();
      fal.fault({ match: { op: 'stream' }, action: { type: 'stream', afterEvents: 1, how } });
      const provider = providerFor(fal);
      const operation = await submitTo(provider);
      const following = provider.follow(operation, followContext());
      await seen(fal, 'stream', 1);
      fal.clock.advance(5_000);
      await seen(fal, 'stream', 2);
      fal.clock.advance(600_000);
      await following;
      expect(fal.journal.counts()).toEqual({ 'queue submit': 1, 'queue stream': 2 });
    },
  );

  it('asks again when a stream has been silent for too long', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'stream' }, action: { type: 'stream', afterEvents: 1, how: 'silence' } });
    const provider = providerFor(fal, { silenceMs: 50 });
    const operation = await submitTo(provider);
    const following = provider.follow(operation, followContext());
    await seen(fal, 'stream', 1);
    fal.clock.advance(600_000);
    await following;
    expect(fal.journal.count('queue', 'stream')).toBe(2);
  });

  it('polls when the first event does not come: something in between holds the stream back', async () => {
    const fal = await emulator();
    fal.fault({
      match: { op: 'stream' },
      action: { type: 'stream', afterEvents: 0, how: 'silence' },
      times: 'always',
    });
    const provider = providerFor(fal, { firstEventMs: 50, clock: sharedClock(fal) });
    await provider.follow(await submitTo(provider), followContext());
    expect(fal.journal.count('queue', 'stream')).toBe(1);
    expect(fal.journal.count('queue', 'status')).toBeGreaterThan(5);
  });

  it('polls for a while when streams break off again and again', async () => {
    const fal = await emulator();
    fal.fault({
      match: { op: 'stream' },
      action: { type: 'stream', afterEvents: 1, how: 'end' },
      times: 'always',
    });
    const provider = providerFor(fal, { clock: sharedClock(fal) });
    const operation = await submitTo(provider);
    await provider.follow(operation, followContext());
    const streams = fal.journal.count('queue', 'stream');
    expect(streams).toBeGreaterThanOrEqual(3);
    expect(streams).toBeLessThan(10);
    expect(fal.journal.count('queue', 'status')).toBeGreaterThan(10);
  });

  it('polls where there are no streams, and remembers that for the next job', async () => {
    const fal = await emulator({ streaming: false });
    const provider = providerFor(fal, { clock: sharedClock(fal) });
    await provider.follow(await submitTo(provider), followContext());
    expect(fal.journal.count('queue', 'stream')).toBe(1);
    await provider.follow(await submitTo(provider), followContext());
    expect(fal.journal.count('queue', 'stream')).toBe(1);
  });

  it.each(['missing', 'of another host'])(
    'finds the job when the returned addresses are %s',
    async (which) => {
      const fal = await emulator({ urlMode: 'nested', strictUrls: true });
      const action: FalAction =
        which === 'missing'
          ? { type: 'job', omit: ['status_url', 'response_url', 'cancel_url'] }
          : { type: 'job', urlOrigin: fal.urls.private };
      fal.fault({ match: { op: 'submit' }, action });
      const provider = providerFor(fal, { clock: sharedClock(fal) });
      const operation = await submitTo(provider, 'fal-ai/hunyuan3d/v2', { input_image_url: IMAGE_URL });
      const following = provider.follow(operation, followContext());
      await seen(fal, 'stream', 2);
      fal.clock.advance(600_000);
      await following;
      const { body } = await provider.result(operation, followContext());
      expect(body).toHaveProperty('model_mesh');
      expect(fal.journal.count('private')).toBe(0);
    },
  );

  it('survives events that are no statuses, and states that nobody knows', async () => {
    const fal = await emulator();
    plan(fal, {
      type: 'job',
      timeline: [
        { afterMs: 0, status: 'WARMING_UP' },
        { afterMs: 9_000, status: 'IN_QUEUE' },
      ],
    });
    const provider = providerFor(fal);
    const operation = await submitTo(provider);
    const context = followContext();
    const following = provider.follow(operation, context);
    await seen(fal, 'stream', 1);
    fal.clock.advance(600_000);
    await following;
    expect(context.reports[0]).toMatchObject({ running: true });
  });

  it('ends with the reason of its caller, and closes the stream', async () => {
    const fal = await emulator();
    const provider = providerFor(fal);
    const operation = await submitTo(provider);
    const controller = new AbortController();
    const following = errorOf(provider.follow(operation, followContext(controller.signal)));
    await seen(fal, 'stream', 1);
    controller.abort(new Error('going away'));
    expect(String(await following)).toContain('going away');
    await expect.poll(() => fal.journal.entries({ op: 'stream' })[0]?.outcome).toBe('client-gone');
  });
});

describe('following by polls', () => {
  it('sees the ends of jobs in time, with few requests', async () => {
    const fal = await emulator({ streaming: false });
    const provider = providerFor(fal, { clock: sharedClock(fal) });
    for (const runMs of [21_300, 64_100, 118_700]) {
      fal.reset();
      plan(fal, { type: 'job', queueMs: 0, runMs });
      const operation = await submitTo(provider);
      const end = fal.clock.now() + runMs;
      await provider.follow(operation, followContext());
      expect(fal.clock.now() - end).toBeLessThanOrEqual(Math.max(1_100, 0.05 * runMs));
      expect(fal.journal.count('queue') + 1).toBeLessThanOrEqual(0.4 * (runMs / 500 + 3));
    }
  });

  it('keeps to a fixed interval when one is set, and opens no stream', async () => {
    const fal = await emulator();
    const clock = sharedClock(fal);
    const provider = providerFor(fal, { clock, pollMs: 700 });
    plan(fal, { type: 'job', queueMs: 0, runMs: 7_000 });
    await provider.follow(await submitTo(provider), followContext());
    expect(new Set(clock.slept)).toEqual(new Set([700]));
    expect(fal.journal.counts()).toEqual({ 'queue submit': 1, 'queue status': 11 });
  });

  it.each([
    ['seconds', { type: 'throttle', retryAfter: 7 }, 7_000, 7_000],
    ['a date', { type: 'throttle', retryAfter: 'date', seconds: 9 }, 7_000, 9_000],
    ['ten years', { type: 'throttle', retryAfter: 'huge' }, 60_000, 120_000],
    ['nothing', { type: 'throttle' }, 100, 1_000],
    ['nonsense', { type: 'throttle', retryAfter: 'soon' }, 100, 1_000],
  ] satisfies [string, FalAction, number, number][])(
    'waits as long as a Retry-After of %s asks for, within reason',
    async (_name, action, least, most) => {
      const fal = await emulator();
      fal.fault({ match: { op: 'status' }, action });
      const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 500 });
      await provider.follow(await submitTo(provider), followContext());
      const [first, second] = fal.journal.entries({ op: 'status' });
      const gap = (second?.at ?? 0) - (first?.at ?? 0);
      expect(gap).toBeGreaterThanOrEqual(least);
      expect(gap).toBeLessThanOrEqual(most);
    },
  );

  it.each([
    ['500s', { type: 'server', status: 500 }, /500/],
    ['HTML of a gateway', { type: 'server', status: 502, body: 'html' }, /502/],
    ['empty bodies', { type: 'server', status: 503, body: 'empty' }, /503/],
    ['JSON that is cut', { type: 'server', status: 200, body: 'invalid-json' }, /cannot be read/],
    ['resets', { type: 'reset' }, /connection broke/],
    ['429s', { type: 'throttle' }, /429/],
    ['redirects', { type: 'redirect', to: 'private' }, /302/],
    [
      'something that is no status',
      { type: 'respond', status: 200, json: { hello: 'world' } },
      /cannot be read/,
    ],
  ] satisfies [string, FalAction, RegExp][])('rides out %s, and says why', async (_name, action, why) => {
    const fal = await emulator();
    fal.fault({ match: { op: 'status' }, action, times: 12 });
    const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 500 });
    const context = followContext();
    await provider.follow(await submitTo(provider), context);
    expect(fal.journal.count('queue', 'status')).toBeGreaterThan(12);
    expect(fal.journal.count('private')).toBe(0);
    expect(context.troubles.slice(-2)).toEqual([expect.stringMatching(why), undefined]);
  });

  it('waits for an account to be unlocked, and says so', async () => {
    const fal = await emulator();
    fal.fault({
      match: { op: 'status' },
      nth: 3,
      times: 10,
      action: { type: 'auth', kind: 'locked', reason: 'Exhausted balance' },
    });
    const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 500 });
    plan(fal, { type: 'job', queueMs: 0, runMs: 400_000 });
    const context = followContext();
    await provider.follow(await submitTo(provider), context);
    const [locked, over] = context.troubles;
    expect(locked).toMatch(/^fal has locked the account: .*Exhausted balance/);
    expect(over).toBeUndefined();
  });

  it('also when the stream is refused', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'stream' }, times: 2, action: { type: 'auth', kind: 'locked' } });
    const provider = providerFor(fal, { clock: sharedClock(fal) });
    plan(fal, { type: 'job', queueMs: 0, runMs: 60_000 });
    const following = provider.follow(await submitTo(provider), followContext());
    await following;
    expect(fal.journal.count('queue', 'status')).toBeGreaterThan(0);
  });

  it('gives a job up only when fal has denied it for a while', async () => {
    const fal = await emulator();
    const clock = sharedClock(fal);
    const provider = providerFor(fal, { clock });
    const operation: Json = { ...Object(await submitTo(provider)) };
    fal.fault({
      match: { op: 'stream' },
      times: 1,
      action: { type: 'respond', status: 404, json: { detail: 'Not found' } },
    });
    fal.fault({
      match: { op: 'status' },
      times: 2,
      action: { type: 'respond', status: 404, json: { detail: 'Not found' } },
    });
    await provider.follow(operation, followContext());

    fal.reset();
    const error = await errorOf(provider.follow(operation, followContext()));
    expect(error).toBeInstanceOf(ProviderFailure);
    expect(error).toMatchObject({
      kind: 'expired',
      charged: 'unknown',
      message: expect.stringContaining('dashboard/requests'),
    });
    expect(fal.journal.count('queue', 'status')).toBeGreaterThanOrEqual(3);
  });
});

describe('what is reported', () => {
  it('tells the place in the queue, then the stages of the model, and never falls', async () => {
    const fal = await emulator();
    const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 1_000, typicalSeconds: () => 94 });
    plan(fal, { type: 'job', queueMs: 8_000, runMs: 90_000, queuePosition: 3 });
    const context = followContext();
    await provider.follow(await submitTo(provider), context);
    const places = context.reports.flatMap(({ queuePosition }) => queuePosition ?? []);
    expect(places).toEqual([3, 2, 1, 0]);
    const stages = [...new Set(context.reports.map(({ stage }) => stage))];
    expect(stages).toEqual([
      'waiting at fal',
      'running at fal',
      'Downloading image',
      'Removing background',
      'Sampling sparse structure',
      'Sampling shape SLat',
      'Sampling texture SLat',
      'Decoding mesh',
      'Remeshing',
      'Decimating mesh to 200000 vertices',
      'Baking texture at 2048x2048',
      'Exporting GLB',
    ]);
    const fractions = context.reports.map(({ progress = 0 }) => progress);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBeGreaterThan(0.6);
    expect(fractions.at(-1)).toBeLessThan(1);
  });

  it.each(['null', 'long'] as const)('rises with %s logs as well', async (logs) => {
    const fal = await emulator();
    const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 2_000, typicalSeconds: () => 90 });
    plan(fal, { type: 'job', queueMs: 0, runMs: 90_000, logs });
    const context = followContext();
    await provider.follow(await submitTo(provider), context);
    const fractions = context.reports.map(({ progress = 0 }) => progress);
    expect(fractions.at(-1)).toBeGreaterThan(0.6);
    for (const { stage } of context.reports) expect(stage?.length).toBeLessThanOrEqual(60);
  });
});
