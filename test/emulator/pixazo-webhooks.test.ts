import { describe, expect, it, onTestFinished } from 'vitest';
import type { Answer, WebhookReceiver } from './common/receiver.js';
import { startReceiver } from './common/receiver.js';
import type { PixazoEmulator, PixazoOptions } from './pixazo.js';
import type { PixazoAction } from './pixazo/plan.js';
import { emulator, finish, post, submit } from './pixazo-support.js';

async function receiver(answers?: readonly Answer[]): Promise<WebhookReceiver> {
  const started = await startReceiver(answers);
  onTestFinished(() => started.close());
  return started;
}

interface Followed {
  pixazo: PixazoEmulator;
  hook: WebhookReceiver;
}

/** A job with a webhook, accepted. */
async function followed({
  answers,
  action,
  mode,
  options = {},
}: {
  answers?: readonly Answer[];
  action?: PixazoAction;
  mode?: string;
  options?: PixazoOptions;
} = {}): Promise<Followed> {
  const hook = await receiver(answers);
  const pixazo = await emulator({ webhookLoopback: true, ...options });
  if (action) pixazo.fault({ match: { op: 'submit' }, action });
  await submit(pixazo, undefined, {
    'x-webhook-url': hook.url,
    ...(mode === undefined ? {} : { 'x-webhook-mode': mode }),
  });
  return { pixazo, hook };
}

function told({ hook }: Followed): unknown[] {
  return hook.deliveries.map(({ rawBody }) => JSON.parse(rawBody));
}

/** Lets `count` tries be over; the emulator notes a try after its answer has come. */
async function tried({ pixazo }: Followed, count: number): Promise<void> {
  await expect.poll(() => pixazo.webhooks.attempts.length, { interval: 2, timeout: 10_000 }).toBe(count);
}

describe('the address of a webhook', () => {
  it.each([
    ['documented', /must be an HTTPS URL/],
    ['empty', /^$/],
    ['html', /^<html>/],
  ] as const)('without TLS is refused with a body of the kind %s', async (webhookRefusalBody, text) => {
    const pixazo = await emulator({ webhookRefusalBody });
    const answer = await post(pixazo, undefined, { 'x-webhook-url': 'http://127.0.0.1:9/hook' });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(text);
    expect(pixazo.ledger.accepted).toBe(0);
  });
});

describe('a terminal webhook', () => {
  it('is delivered once, at the end, without any signature', async () => {
    const job = await followed();
    job.pixazo.clock.advance(60_000);
    expect(job.hook.deliveries).toEqual([]);
    finish(job.pixazo);
    await job.hook.received(1);
    expect(told(job)).toEqual([
      {
        request_id: job.pixazo.jobs.all()[0]?.id,
        status: 'COMPLETED',
        model_id: 'pixal3d',
        error: null,
        output: { media_url: [expect.any(String)], media_type: 'model/glb' },
        created_at: expect.any(String),
        updated_at: expect.any(String),
        completed_at: expect.any(String),
      },
    ]);
    expect(
      Object.keys(job.hook.deliveries[0]?.headers ?? {}).filter((name) => /sign|webhook/.test(name)),
    ).toEqual([]);
  });

  it('tells of a failure with its times', async () => {
    const job = await followed({ action: { type: 'job', failure: 'error' } });
    finish(job.pixazo);
    await job.hook.received(1);
    expect(told(job)).toMatchObject([{ status: 'ERROR', output: null, completed_at: expect.any(String) }]);
  });

  it('comes late, more than once, or cut', async () => {
    const job = await followed({ action: { type: 'webhook', copies: 3, delayMs: 1000, body: 'invalid' } });
    job.pixazo.clock.advance(111_000);
    expect(job.hook.deliveries).toEqual([]);
    job.pixazo.clock.advance(1000);
    await job.hook.received(3);
    expect(() => told(job)).toThrow(SyntaxError);
  });

  it('is tried again after a failure, and given up after three', async () => {
    const job = await followed({ answers: [{ status: 500 }] });
    finish(job.pixazo);
    for (let n = 1; n <= 3; n++) {
      await tried(job, n);
      job.pixazo.clock.advance(10_000);
    }
    finish(job.pixazo);
    // Nothing more was under way when this one came after it.
    for (const done of job.pixazo.jobs.all()) await job.pixazo.webhooks.forge(done);
    expect(job.pixazo.webhooks.attempts.map(({ forged }) => forged)).toEqual([false, false, false, true]);
  });

  it('is not followed anywhere else, and slow receivers are not waited for', async () => {
    const job = await followed({ answers: [{ status: 302, location: 'http://127.0.0.1:9/' }] });
    const { clock, settings } = job.pixazo;
    const usual = settings.webhookTimeoutMs;
    finish(job.pixazo);
    await tried(job, 1);
    job.hook.answerWith({ status: 200, afterMs: 3_600_000 });
    settings.webhookTimeoutMs = 50;
    clock.advance(10_000);
    await tried(job, 2);
    job.hook.answerWith({ status: 200 });
    settings.webhookTimeoutMs = usual;
    clock.advance(10_000);
    await tried(job, 3);
    expect(job.pixazo.webhooks.attempts.map(({ result }) => result)).toEqual([302, 'timeout', 200]);
  });
});

describe('a sync webhook', () => {
  it('is also delivered at every cycle of the queue', async () => {
    const job = await followed({ mode: 'sync', action: { type: 'job', queueMs: 20_000, runMs: 20_000 } });
    for (let n = 1; n <= 3; n++) {
      job.pixazo.clock.advance(15_000);
      await tried(job, n);
    }
    expect(told(job)).toMatchObject([
      { status: 'QUEUED' },
      { status: 'PROCESSING' },
      { status: 'COMPLETED' },
    ]);
  });
});

describe('a forged webhook', () => {
  it('says that a job is done which still runs', async () => {
    const job = await followed({ action: { type: 'webhook', forgedAfterMs: 10_000 } });
    job.pixazo.clock.advance(10_000);
    await tried(job, 1);
    expect(told(job)).toMatchObject([
      { status: 'COMPLETED', output: { media_url: ['https://evil.example/output.glb'] } },
    ]);
    expect(job.pixazo.jobs.all()[0]?.state).toBe('running');
    finish(job.pixazo);
    await tried(job, 2);
    expect(job.pixazo.webhooks.attempts.map(({ forged }) => forged)).toEqual([true, false]);
  });

  it('can be ordered through the control plane', async () => {
    const job = await followed();
    const id = job.pixazo.jobs.all()[0]?.id;
    const answer = await fetch(`${job.pixazo.urls.control}/webhooks/forge`, {
      method: 'POST',
      body: JSON.stringify({ id, body: { status: 'FAILED' } }),
    });
    expect(answer.status).toBe(200);
    expect(told(job)).toMatchObject([{ request_id: id, status: 'FAILED' }]);
  });
});
