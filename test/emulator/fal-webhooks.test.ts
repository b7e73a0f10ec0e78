import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { sha256 } from './common/json.js';
import type { Answer, Delivery, WebhookReceiver } from './common/receiver.js';
import { startReceiver } from './common/receiver.js';
import type { FalEmulator } from './fal.js';
import type { FalAction } from './fal/plan.js';
import { emulator, finish, post, submit } from './support.js';

type WebhookAction = Extract<FalAction, { type: 'webhook' }>;

async function receiver(answers?: readonly Answer[]): Promise<WebhookReceiver> {
  const started = await startReceiver(answers);
  onTestFinished(() => started.close());
  return started;
}

const keySet = z.object({
  keys: z.array(z.object({ kty: z.literal('OKP'), crv: z.string(), x: z.string() })),
});

async function keysOf(fal: FalEmulator): Promise<z.output<typeof keySet>['keys']> {
  return keySet.parse(await (await fetch(`${fal.urls.rest}/.well-known/jwks.json`)).json()).keys;
}

/** As the documents describe it: any published key, over the raw body. */
async function isSigned(fal: FalEmulator, { headers, rawBody }: Delivery): Promise<boolean> {
  const fields = ['request-id', 'user-id', 'timestamp'].map((name) =>
    String(headers[`x-fal-webhook-${name}`]),
  );
  const message = Buffer.from([...fields, sha256(rawBody)].join('\n'));
  const signature = Buffer.from(String(headers['x-fal-webhook-signature']), 'hex');
  return (await keysOf(fal)).some((key) =>
    verify(null, message, createPublicKey({ key, format: 'jwk' }), signature),
  );
}

/** One job with a webhook, delivered `count` times. */
async function deliver(
  action: Omit<WebhookAction, 'type'> = {},
  count = 1,
): Promise<{ fal: FalEmulator; deliveries: Delivery[] }> {
  const hook = await receiver();
  const fal = await emulator({ webhookLoopback: true });
  fal.fault({ match: { op: 'submit' }, action: { type: 'webhook', ...action } });
  await submit(fal, undefined, undefined, { query: `?fal_webhook=${encodeURIComponent(hook.url)}` });
  finish(fal);
  return { fal, deliveries: await hook.received(count) };
}

describe('a webhook', () => {
  it('brings the output, signed by a published key', async () => {
    const { fal, deliveries } = await deliver();
    const [delivery] = deliveries;
    if (!delivery) throw new Error('Nothing was delivered.');
    expect(JSON.parse(delivery.rawBody)).toMatchObject({
      request_id: fal.jobs.all()[0]?.id,
      gateway_request_id: expect.any(String),
      status: 'OK',
      payload: { model_glb: { url: expect.any(String) } },
    });
    expect(await isSigned(fal, delivery)).toBe(true);
    expect(await isSigned(fal, { ...delivery, rawBody: `${delivery.rawBody} ` })).toBe(false);
  });

  it('brings the error of a job that failed', async () => {
    const hook = await receiver();
    const fal = await emulator({ webhookLoopback: true });
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', failure: 'content-policy' } });
    await submit(fal, undefined, undefined, { query: `?fal_webhook=${encodeURIComponent(hook.url)}` });
    finish(fal);
    const [delivery] = await hook.received(1);
    expect(JSON.parse(delivery?.rawBody ?? '')).toMatchObject({
      status: 'ERROR',
      error: 'Invalid status code: 422',
      payload: { detail: [{ type: 'content_policy_violation' }] },
    });
  });

  it.each(['wrong-key', 'altered-body'] as const)(
    'with %s is not signed by a published key',
    async (signature) => {
      const { fal, deliveries } = await deliver({ signature });
      expect(await Promise.all(deliveries.map((delivery) => isSigned(fal, delivery)))).toEqual([false]);
    },
  );

  it.each([
    ['stale', -301],
    ['future', 301],
  ] as const)('that is %s is 301 s off, and signed all the same', async (signature, seconds) => {
    const { fal, deliveries } = await deliver({ signature });
    const [delivery] = deliveries;
    if (!delivery) throw new Error('Nothing was delivered.');
    const sent = Number(delivery.headers['x-fal-webhook-timestamp']);
    expect(sent - (fal.jobs.all()[0]?.doneAt ?? 0) / 1000).toBe(seconds);
    expect(await isSigned(fal, delivery)).toBe(true);
  });

  it.each([
    ['missing-header', ['request-id', 'signature', 'user-id']],
    ['unsigned', []],
  ] as const)('that is %s lacks headers', async (signature, present) => {
    const { deliveries } = await deliver({ signature });
    const names = Object.keys(deliveries[0]?.headers ?? {}).filter((name) =>
      name.startsWith('x-fal-webhook-'),
    );
    expect(names.map((name) => name.slice(14)).toSorted()).toEqual(present);
  });

  it('may hold a payload error, or no JSON', async () => {
    const failed = await deliver({ body: 'payload-error' });
    expect(JSON.parse(failed.deliveries[0]?.rawBody ?? '')).toMatchObject({
      payload: null,
      payload_error: expect.any(String),
    });
    const cut = await deliver({ body: 'invalid' });
    expect(() => JSON.parse(cut.deliveries[0]?.rawBody ?? '')).toThrow(SyntaxError);
  });

  it('may come several times', async () => {
    const { deliveries } = await deliver({ copies: 3 }, 3);
    expect(new Set(deliveries.map(({ headers }) => headers['x-fal-webhook-request-id'])).size).toBe(1);
  });

  it('may come before the reply of the submit', async () => {
    const hook = await receiver();
    const fal = await emulator({ webhookLoopback: true });
    fal.fault({ match: { op: 'submit' }, action: { type: 'webhook', early: true } });
    fal.fault({ match: { op: 'submit' }, action: { type: 'stall', at: 'headers', ms: 50 } });
    const reply = post(fal, undefined, undefined, { query: `?fal_webhook=${encodeURIComponent(hook.url)}` });
    const first = await Promise.race([reply.then(() => 'reply'), hook.received(1).then(() => 'webhook')]);
    expect(first).toBe('webhook');
    expect((await reply).status).toBe(200);
    finish(fal);
    expect(hook.deliveries).toHaveLength(1);
  });

  it('may be late, behind that of a later job', async () => {
    const hook = await receiver();
    const fal = await emulator({ webhookLoopback: true });
    fal.fault({ match: { op: 'submit' }, action: { type: 'webhook', delayMs: 1_000_000 } });
    const query = `?fal_webhook=${encodeURIComponent(hook.url)}`;
    const late = await submit(fal, undefined, undefined, { query });
    const prompt = await submit(fal, undefined, undefined, { query });
    finish(fal);
    await hook.received(1);
    fal.clock.advance(1_000_000);
    const order = (await hook.received(2)).map(({ headers }) => headers['x-fal-webhook-request-id']);
    expect(order).toEqual([prompt.request_id, late.request_id]);
  });
});

describe('delivery', () => {
  const submitTo = async (
    answers: readonly Answer[],
    settings = {},
  ): Promise<[FalEmulator, WebhookReceiver]> => {
    const hook = await receiver(answers);
    const fal = await emulator({ webhookLoopback: true, ...settings });
    await submit(fal, undefined, undefined, { query: `?fal_webhook=${encodeURIComponent(hook.url)}` });
    finish(fal);
    return [fal, hook];
  };
  /** The emulator notes an attempt once the answer is in. */
  const attempted = (fal: FalEmulator, count: number): Promise<unknown> =>
    expect.poll(() => fal.webhooks.attempts.length, { interval: 5, timeout: 10_000 }).toBe(count);

  it('is tried again after 500, until 200', async () => {
    const [fal, hook] = await submitTo([{ status: 500 }, { status: 500 }, { status: 200 }]);
    for (let attempt = 1; attempt < 3; attempt++) {
      await attempted(fal, attempt);
      fal.clock.advance(600_000);
    }
    await attempted(fal, 3);
    fal.clock.advance(600_000);
    expect(fal.webhooks.attempts.map(({ attempt, result }) => [attempt, result])).toEqual([
      [1, 500],
      [2, 500],
      [3, 200],
    ]);
    expect(hook.deliveries).toHaveLength(3);
  });

  it('ends for good at a redirect', async () => {
    const [fal] = await submitTo([{ status: 302, location: 'http://127.0.0.1:9/' }]);
    await attempted(fal, 1);
    fal.clock.advance(600_000);
    expect(fal.webhooks.attempts).toMatchObject([{ result: 302 }]);
  });

  it('gives up on a slow receiver and comes again', async () => {
    const [fal, hook] = await submitTo([{ status: 200, afterMs: 3_600_000 }], { webhookFirstTimeoutMs: 30 });
    await attempted(fal, 1);
    hook.answerWith({ status: 200 });
    fal.clock.advance(10_000);
    await attempted(fal, 2);
    expect(fal.webhooks.attempts.map(({ result }) => result)).toEqual(['timeout', 200]);
  });

  it('to loopback is dropped, as fal does, unless tests allow it', async () => {
    const hook = await receiver();
    const fal = await emulator();
    await submit(fal, undefined, undefined, { query: `?fal_webhook=${encodeURIComponent(hook.url)}` });
    finish(fal);
    await attempted(fal, 1);
    expect(fal.webhooks.attempts).toMatchObject([{ result: 'dropped' }]);
    expect(hook.deliveries).toEqual([]);
  });
});

describe('keys', () => {
  it('are two, one of them with base64 padding, both readable', async () => {
    const fal = await emulator();
    const keys = await keysOf(fal);
    expect(keys.map(({ x }) => x.endsWith('='))).toEqual([true, false]);
    for (const key of keys) expect(createPublicKey({ key, format: 'jwk' }).asymmetricKeyType).toBe('ed25519');
  });

  it('are rotated: what was signed before is still known after one turn, not after two', async () => {
    const { fal, deliveries } = await deliver();
    const [delivery] = deliveries;
    if (!delivery) throw new Error('Nothing was delivered.');
    fal.webhooks.rotate();
    expect(await isSigned(fal, delivery)).toBe(true);
    fal.webhooks.rotate();
    expect(await isSigned(fal, delivery)).toBe(false);
  });
});
