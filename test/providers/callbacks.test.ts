import { describe, expect, it, onTestFinished } from 'vitest';
import type { Json } from '../../src/json.js';
import type { Callback, CallbackVerdict } from '../../src/providers/provider.js';
import type { Delivery } from '../emulator/common/receiver.js';
import { startReceiver } from '../emulator/common/receiver.js';
import type { FalEmulator } from '../emulator/fal.js';
import type { FalAction } from '../emulator/fal/plan.js';
import type { PixazoEmulator } from '../emulator/pixazo.js';
import * as pixazoEmulator from '../emulator/pixazo-support.js';
import { emulator, finish } from '../emulator/support.js';
import * as fal from './fal-support.js';
import * as pixazo from './pixazo-support.js';
import { context, errorOf, sharedClock } from './support.js';

type WebhookAction = Extract<FalAction, { type: 'webhook' }>;

const asCallback = ({ headers, rawBody }: Delivery): Callback => ({ headers, body: Buffer.from(rawBody) });

const hookFor = async (): ReturnType<typeof startReceiver> => {
  const hook = await startReceiver();
  onTestFinished(() => hook.close());
  return hook;
};

describe('a callback of fal', () => {
  /** A job of the provider whose callback was delivered, and what the provider says of it. */
  async function delivered(action: Omit<WebhookAction, 'type'> = {}): Promise<{
    service: FalEmulator;
    callback: Callback;
    operation: Json;
    wait: (ms: number) => void;
    judge: (callback: Callback) => Promise<CallbackVerdict>;
  }> {
    const hook = await hookFor();
    const service = await emulator({ webhookLoopback: true });
    service.fault({ match: { op: 'submit' }, action: { type: 'webhook', ...action } });
    let now = 0;
    const provider = fal.providerFor(service, { clock: { ...sharedClock(service), now: () => now } });
    const body = { image_url: fal.IMAGE_URL };
    const request = { jobId: 'job_1', model: fal.PIXAL3D, body, callbackUrl: hook.url };
    const operation = await provider.submit(request, context());
    finish(service);
    const [delivery] = await hook.received(1);
    if (!delivery) throw new Error('nothing came');
    const about = { model: fal.PIXAL3D, submittedAt: 1 };
    // It arrives when the job is done.
    now = service.jobs.all()[0]?.doneAt ?? 0;
    return {
      service,
      wait: (ms) => {
        now += ms;
      },
      callback: asCallback(delivery),
      operation,
      judge: (callback) => provider.callback(callback, about, context()),
    };
  }

  it('that fal signed brings the job that it is about', async () => {
    const { callback, operation, judge } = await delivered();
    const verdict = await judge(callback);
    const id =
      typeof operation === 'object' && operation && 'request_id' in operation && operation['request_id'];
    expect(verdict).toMatchObject({ kind: 'accepted', operation: { request_id: id, endpoint: fal.PIXAL3D } });
  });

  it('brings it also where the body says nothing', async () => {
    for (const body of ['payload-error', 'invalid'] as const) {
      const { callback, judge } = await delivered({ body });
      expect((await judge(callback)).kind).toBe('accepted');
    }
  });

  it.each(['wrong-key', 'altered-body', 'stale', 'future', 'missing-header', 'unsigned'] as const)(
    'that is %s proves nothing',
    async (signature) => {
      const { callback, judge } = await delivered({ signature });
      expect((await judge(callback)).kind).toBe('refused');
    },
  );

  it('that speaks of another request than was signed proves only the signed one', async () => {
    const { callback, judge } = await delivered();
    const headers = { ...callback.headers, 'x-fal-webhook-request-id': 'another' };
    expect((await judge({ ...callback, headers })).kind).toBe('refused');
  });

  it.each([
    ['x-fal-webhook-timestamp', 'soon'],
    ['x-fal-webhook-timestamp', '-1'],
    ['x-fal-webhook-signature', 'zz'],
    ['x-fal-webhook-signature', ''],
    ['x-fal-webhook-user-id', 'somebody'],
  ])('with the header %s "%s" is refused', async (name, value) => {
    const { callback, judge } = await delivered();
    expect((await judge({ ...callback, headers: { ...callback.headers, [name]: value } })).kind).toBe(
      'refused',
    );
    const twice = { ...callback.headers, [name]: [value, value] };
    expect((await judge({ ...callback, headers: twice })).kind).toBe('refused');
  });

  it('is checked by keys that are fetched once, and anew when fal has changed them', async () => {
    const { service, callback, judge, wait } = await delivered();
    const asked = (): number => service.journal.entries().filter(({ path }) => path.includes('jwks')).length;
    for (let i = 0; i < 3; i++) expect((await judge(callback)).kind).toBe('accepted');
    expect(asked()).toBe(1);
    const forged = { ...callback, body: Buffer.from('{}') };
    for (let i = 0; i < 5; i++) expect((await judge(forged)).kind).toBe('refused');
    expect(asked()).toBe(1);
    wait(61_000);
    for (let i = 0; i < 5; i++) expect((await judge(forged)).kind).toBe('refused');
    expect(asked()).toBe(2);
  });

  it('is refused while the keys cannot be had, and taken afterwards', async () => {
    const { service, callback, judge, wait } = await delivered();
    await service.down('rest');
    const down = await errorOf(judge(callback));
    expect(String(down)).toMatch(/fal|connect|ECONNREFUSED/i);
    await service.up('rest');
    wait(61_000);
    expect((await judge(callback)).kind).toBe('accepted');
  });
});

describe('a callback of Pixazo', () => {
  async function submitted(): Promise<{
    service: PixazoEmulator;
    operation: Json;
    judge: (body: string) => Promise<CallbackVerdict>;
  }> {
    const service = await pixazoEmulator.emulator();
    const provider = pixazo.providerFor(service);
    const operation = await pixazo.submitTo(provider);
    const about = { model: 'pixal3d', submittedAt: 1 };
    return {
      service,
      operation,
      judge: (body) => provider.callback({ headers: {}, body: Buffer.from(body) }, about, context()),
    };
  }
  const idOf = (operation: Json): Json | undefined =>
    typeof operation === 'object' && operation && 'request_id' in operation
      ? operation['request_id']
      : undefined;

  it('is believed when Pixazo itself knows the job, whatever else it says', async () => {
    const { operation, judge } = await submitted();
    const id = idOf(operation);
    const lie = JSON.stringify({ request_id: id, status: 'FAILED', polling_url: 'https://evil.example/x' });
    expect(await judge(lie)).toMatchObject({ kind: 'accepted', operation: { request_id: id } });
  });

  it.each(['{"request_id":"nobody-knows"}', '{"request_id":"../../admin"}', '{}', 'not json', ''])(
    'that says %j is a hint at most',
    async (body) => {
      const { service, judge } = await submitted();
      expect((await judge(body)).kind).toBe('hint');
      expect(service.journal.entries().every(({ path }) => !path.includes('admin'))).toBe(true);
    },
  );

  it('is asked for over https only, as Pixazo wants it', async () => {
    const service = await pixazoEmulator.emulator();
    const provider = pixazo.providerFor(service);
    const body = { image_url: pixazoEmulator.IMAGE };
    const submit = (callbackUrl: string): Promise<Json> =>
      provider.submit({ jobId: 'job_1', model: 'pixal3d', body, callbackUrl }, context());
    await submit('http://mesh.example/webhooks/pixazo/x');
    await submit('https://mesh.example/webhooks/pixazo/x');
    const sent = service.journal
      .entries()
      .filter(({ method }) => method === 'POST')
      .map(({ headers }) => headers['x-webhook-url']);
    expect(sent).toEqual([undefined, 'https://mesh.example/webhooks/pixazo/x']);
  });
});
