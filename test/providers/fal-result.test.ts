import { describe, expect, it } from 'vitest';
import type { FalEmulator } from '../emulator/fal.js';
import type { FalAction, JobPlan } from '../emulator/fal/plan.js';
import type { Json } from '../../src/json.js';
import type { FalProvider } from '../../src/providers/fal.js';
import { ProviderFailure } from '../../src/providers/provider.js';
import { emulator } from '../emulator/support.js';
import {
  context,
  errorOf,
  followContext,
  IMAGE_URL,
  PIXAL3D,
  providerFor,
  sharedClock,
  submitTo,
} from './fal-support.js';

interface Finished {
  fal: FalEmulator;
  provider: FalProvider;
  operation: Json;
}

/** A job that has come to its end at fal and was followed there. */
async function finished(plan: JobPlan = {}): Promise<Finished> {
  const fal = await emulator();
  fal.fault({ match: { op: 'submit' }, action: { type: 'job', ...plan } });
  const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 5_000 });
  const operation = await submitTo(provider);
  await provider.follow(operation, followContext());
  return { fal, provider, operation };
}

describe('a result', () => {
  it('is the body of the model, with what fal says that it billed', async () => {
    const { provider, operation } = await finished({ units: 2.5, seed: 42 });
    const { body, billedUnits } = await provider.result(operation, context());
    expect(body).toMatchObject({ model_glb: { url: expect.any(String) }, seed: 42 });
    expect(billedUnits).toBe(2.5);
  });

  it('is waited for when it is not there yet', async () => {
    const fal = await emulator();
    const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 5_000 });
    const operation = await submitTo(provider);
    expect((await provider.result(operation, context())).body).toHaveProperty('model_glb');
    expect(fal.journal.count('queue', 'status')).toBeGreaterThan(1);
  });

  it.each([
    ['resets', { type: 'reset' }, 6],
    ['bodies that break off', { type: 'reset-at', byte: 30 }, 6],
    ['a gateway that is down', { type: 'server', status: 502, body: 'html' }, 30],
    ['a proxy that wants a login', { type: 'respond', status: 407, text: 'proxy' }, 3],
    ['a conflict that is none of fal', { type: 'respond', status: 409, json: { message: 'Conflict' } }, 3],
    ['500s', { type: 'server', status: 500 }, 30],
    ['429s', { type: 'throttle', retryAfter: 3 }, 6],
    ['a locked account', { type: 'auth', kind: 'locked' }, 6],
    ['a result that shows up late', { type: 'respond', status: 404, json: { detail: 'Not found' } }, 2],
    ['a page in its place', { type: 'respond', status: 200, text: '<html></html>' }, 2],
  ] satisfies [string, FalAction, number][])('is read in spite of %s', async (_name, action, times) => {
    const { fal, provider, operation } = await finished();
    fal.fault({ match: { op: 'result' }, action, times });
    expect((await provider.result(operation, context())).body).toHaveProperty('model_glb');
    expect(fal.journal.count('queue', 'result')).toBe(times + 1);
  });

  it.each(['alias', 'nested', 'response-suffix'] as const)(
    'is found at addresses of the form %s',
    async (urlMode) => {
      for (const omit of [[], ['status_url', 'response_url', 'cancel_url']]) {
        const fal = await emulator({ urlMode, strictUrls: true });
        fal.fault({ match: { op: 'submit' }, action: { type: 'job', omit } });
        const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 5_000 });
        const operation = await submitTo(provider, 'fal-ai/hunyuan3d/v2', { input_image_url: IMAGE_URL });
        await provider.follow(operation, followContext());
        expect((await provider.result(operation, context())).body).toHaveProperty('model_mesh');
      }
    },
  );

  it('is gone an hour after the end of its job, which is said with the request and what to do', async () => {
    const { fal, provider, operation } = await finished();
    fal.clock.advance(61 * 60_000);
    const error = await errorOf(provider.result(operation, context()));
    expect(error).toBeInstanceOf(ProviderFailure);
    const requestId = fal.ledger.entries()[0]?.requestId ?? '';
    expect(error).toMatchObject({
      kind: 'expired',
      charged: 'unknown',
      message: expect.stringMatching(new RegExp(`${requestId}.*dashboard/requests.*force_new`)),
    });
  });

  it('is gone after six minutes when it is large', async () => {
    const { fal, provider, operation } = await finished({ resultBytes: 12_000 });
    fal.clock.advance(7 * 60_000);
    expect(await errorOf(provider.result(operation, context()))).toMatchObject({ kind: 'expired' });
  });

  it('that cannot be read ends the job with its request, not in an endless wait', async () => {
    const { fal, provider, operation } = await finished();
    fal.fault({
      match: { op: 'result' },
      action: { type: 'respond', status: 200, text: 'ok' },
      times: 'always',
    });
    expect(await errorOf(provider.result(operation, context()))).toMatchObject({
      kind: 'failed',
      charged: 'unknown',
      message: expect.stringContaining('cannot be read'),
    });
  });

  it('is not waited for any longer when its caller goes away', async () => {
    const { fal, provider, operation } = await finished();
    fal.fault({ match: { op: 'result' }, action: { type: 'stall', at: 'headers' } });
    const controller = new AbortController();
    const reading = errorOf(provider.result(operation, context(controller.signal)));
    await expect.poll(() => fal.journal.count('queue', 'result')).toBe(1);
    controller.abort(new Error('going away'));
    expect(String(await reading)).toContain('going away');
  });
});

describe('a failure that fal stored', () => {
  const FAILURES: [JobPlan['failure'], object, RegExp][] = [
    [
      'content-policy',
      { charged: 'no', retryable: false, field: 'image_url' },
      /image_url: The content.*\(content_policy_violation\)\. It was not charged\. Use another image or prompt/,
    ],
    [
      'image-load',
      { charged: 'no', field: 'image_url' },
      /Failed to load the image.*\(image_load_error\).*Give another image/,
    ],
    ['no-media', { charged: 'no' }, /No media was generated.*no_media_generated/],
    ['billed-422', { charged: 'yes', retryable: false }, /It was charged/],
    ['detail-text', { charged: 'no' }, /The mesh could not be extracted \(unprocessable\)/],
    [
      'internal-error',
      { charged: 'no', retryable: true },
      /internal_server_error.*The same call may succeed later/,
    ],
    ['runner-error', { charged: 'no', retryable: true }, /runner_server_error/],
    ['runner-disconnected', { charged: 'no', retryable: true }, /runner_disconnected/],
    ['generation-timeout', { charged: 'no', retryable: true }, /took too long/],
    ['request-timeout', { charged: 'no', retryable: true }, /request_timeout/],
    ['user-timeout', { charged: 'no', retryable: true }, /did not start within/],
    ['html', { charged: 'no', retryable: true }, /HTTP 502\. It was not charged/],
    ['plain-text', { charged: 'no', retryable: true }, /upstream connect error/],
    [{ status: 422, json: { detail: 'odd' }, billed: true }, { charged: 'yes' }, /odd/],
    [
      { status: 400, json: { detail: 'downstream_service_error' } },
      { charged: 'no' },
      /downstream_service_error/,
    ],
  ];
  it.each(FAILURES)(
    '%j reaches the reader in its own words, with what it cost',
    async (failure, expected, told) => {
      const { fal, provider, operation } = await finished({ failure });
      const error = await errorOf(provider.result(operation, context()));
      expect(error).toBeInstanceOf(ProviderFailure);
      expect(error).toMatchObject({ kind: 'failed', ...expected, message: expect.stringMatching(told) });
      // The status tells a stored 5xx from a fault on the way: no second try is needed.
      expect(fal.journal.count('queue', 'result')).toBe(1);
    },
  );

  it('without billed units may have cost something when it is a 422, and nothing when it is a 5xx', async () => {
    for (const [status, charged] of [
      [422, 'unknown'],
      [500, 'no'],
    ] as const) {
      const { fal, provider, operation } = await finished({ failure: 'no-media' });
      fal.fault({ match: { op: 'result' }, action: { type: 'respond', status, json: { detail: 'no' } } });
      expect(await errorOf(provider.result(operation, context()))).toMatchObject({ kind: 'failed', charged });
    }
  });

  it('is told from the status when the result is gone', async () => {
    const { fal, provider, operation } = await finished({ failure: 'no-media' });
    fal.fault({
      match: { op: 'result' },
      action: { type: 'respond', status: 404, text: '' },
      times: 'always',
    });
    expect(await errorOf(provider.result(operation, context()))).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('Invalid status code: 422 (no_media_generated)'),
    });
  });
});

describe('a cancellation', () => {
  async function started(plan: JobPlan, settings = {}): Promise<Finished> {
    const fal = await emulator(settings);
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', ...plan } });
    const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 5_000 });
    return { fal, provider, operation: await submitTo(provider) };
  }

  it.each(['status', 'success'] as const)(
    'takes a waiting job out of the queue (%s replies)',
    async (cancelReply) => {
      const { fal, provider, operation } = await started({ queueMs: 60_000 }, { cancelReply });
      expect(await provider.cancel(operation, context())).toBe('removed');
      await provider.follow(operation, followContext());
      expect(await errorOf(provider.result(operation, context()))).toMatchObject({
        kind: 'cancelled',
        charged: 'no',
        message: 'The job was cancelled at fal. It was not charged.',
      });
      expect(fal.ledger.usd).toBe(0);
    },
  );

  it.each(['status', 'success'] as const)(
    'only asks a running job to stop (%s replies)',
    async (cancelReply) => {
      const { fal, provider, operation } = await started({ queueMs: 0, cancelMs: 3_000 }, { cancelReply });
      fal.clock.advance(10);
      expect(await provider.cancel(operation, context())).toBe('running');
      await provider.follow(operation, followContext());
      expect(await errorOf(provider.result(operation, context()))).toMatchObject({
        kind: 'cancelled',
        charged: 'yes',
        message: 'The job was cancelled at fal. It was charged.',
      });
    },
  );

  it('may be ignored by the model: the job completes and is charged', async () => {
    const { fal, provider, operation } = await started({ queueMs: 0, ignoreCancel: true });
    fal.clock.advance(10);
    expect(await provider.cancel(operation, context())).toBe('running');
    await provider.follow(operation, followContext());
    expect((await provider.result(operation, context())).billedUnits).toBe(1.4);
  });

  it.each(['status', 'success'] as const)(
    'comes too late for a finished job (%s replies)',
    async (cancelReply) => {
      const { fal, provider, operation } = await started({}, { cancelReply });
      fal.clock.advance(600_000);
      expect(await provider.cancel(operation, context())).toBe('finished');
    },
  );

  it('finds the job when its address was not returned', async () => {
    const fal = await emulator({ urlMode: 'nested', strictUrls: true });
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', queueMs: 'never', omit: ['cancel_url'] } });
    const provider = providerFor(fal);
    const operation = await submitTo(provider, 'fal-ai/hunyuan3d/v2', { input_image_url: IMAGE_URL });
    expect(await provider.cancel(operation, context())).toBe('removed');
  });

  it('of a job that fal does not know is a cancellation of a finished one', async () => {
    const { fal, provider, operation } = await started({});
    fal.reset();
    expect(await provider.cancel(operation, context())).toBe('finished');
  });

  it('is sent again when fal does not answer, and fails in words when it never does', async () => {
    const { fal, provider, operation } = await started({ queueMs: 'never' });
    fal.fault({ match: { op: 'cancel' }, action: { type: 'reset' }, times: 2 });
    expect(await provider.cancel(operation, context())).toBe('removed');
    fal.fault({ match: { op: 'cancel' }, action: { type: 'server', status: 503 }, times: 'always' });
    expect(await errorOf(provider.cancel(operation, context()))).toMatchObject({
      code: 'provider_unreachable',
      message: expect.stringContaining('call cancel_job again'),
    });
  });
});

describe('an operation', () => {
  it('of another provider, or one that would leave its path, is not followed', async () => {
    const fal = await emulator();
    const provider = providerFor(fal);
    for (const operation of [null, {}, { id: 'x' }, { request_id: '../../x', endpoint: PIXAL3D }]) {
      await expect(provider.follow(operation, followContext())).rejects.toThrow('not an operation of fal');
    }
  });

  it('is carried on by a process that knows nothing but what was stored', async () => {
    const fal = await emulator();
    const first = providerFor(fal);
    const stored: Json = JSON.parse(JSON.stringify(await submitTo(first)));
    const second = providerFor(fal, { clock: sharedClock(fal), pollMs: 5_000 });
    await second.follow(stored, followContext());
    expect((await second.result(stored, context())).body).toHaveProperty('model_glb');
    expect(fal.journal.count('queue', 'submit')).toBe(1);
  });
});
