import { once } from 'node:events';
import http from 'node:http';
import { MeshwrightError } from '../../../src/errors.js';
import { isJson, isRecord, type Json } from '../../../src/json.js';
import { keepSecret, silentLog } from '../../../src/log.js';
import type { Clock } from '../../../src/providers/clock.js';
import { FalProvider } from '../../../src/providers/fal.js';
import { PixazoProvider } from '../../../src/providers/pixazo.js';
import { type Provider, ProviderFailure, SubmitError } from '../../../src/providers/provider.js';
import { ScenarioProvider } from '../../../src/providers/scenario.js';
import { mutateJson } from '../mutate-json.js';
import { SECRET } from '../replies.js';
import { Broken, hold, json, readable, type Target, toJsonValue } from '../target.js';

/** Whole jobs at providers that answer whatever the input says: `{provider, replies: [{status, headers, body}]}`. */
export const target: Target = {
  about: 'whole jobs over HTTP, with any replies in any order',
  guides: ['/src/providers/', '@fal-ai/client'],
  seeds: () => [
    json({
      provider: 'fal',
      replies: [
        ok(FAL.submit),
        ok(FAL.running, 202),
        ok(FAL.done),
        ok(FAL.result, 200, { 'x-fal-billable-units': '1' }),
        ok({ status: 'ALREADY_COMPLETED' }, 400),
      ],
    }),
    json({
      provider: 'fal',
      stream: true,
      replies: [ok(FAL.submit), events(FAL.running, FAL.done), ok(FAL.result), ok({ success: true })],
    }),
    json({
      provider: 'fal',
      replies: [
        ok(FAL.submit),
        ok(FAL.done),
        ok({ detail: [{ loc: ['body', 'image_url'], msg: 'no', type: 'image_load_error' }] }, 422),
      ],
    }),
    json({ provider: 'fal', replies: [ok({ detail: 'User is locked' }, 403)] }),
    json({
      provider: 'fal',
      upload: true,
      replies: [
        ok({ upload_url: 'https://v3.fal.media/put', file_url: 'https://v3.fal.media/a.png' }),
        ok(''),
      ],
    }),
    json({
      provider: 'pixazo',
      replies: [ok(PIXAZO.submit, 202), ok({ status: 'PROCESSING' }), ok(PIXAZO.done)],
    }),
    json({ provider: 'pixazo', replies: [ok(PIXAZO.submit), ok({ status: 'FAILED', error: 'no' })] }),
    json({
      provider: 'scenario',
      replies: [
        ok(SCENARIO.submit),
        ok(SCENARIO.running),
        ok(SCENARIO.done),
        ok(SCENARIO.done),
        ok(SCENARIO.asset),
      ],
    }),
    json({ provider: 'scenario', replies: [ok({ reason: 'no', details: { remainingSeconds: 3 } }, 429)] }),
    json({ provider: 'scenario', upload: true, replies: [ok({ asset: { id: 'asset_1' } })] }),
  ],
  mutate: mutateJson,
  tokens: ['status', 'headers', 'body', 'retry-after', 'x-fal-error-type', 'x-fal-billable-units', 'location', 'content-type', 'text/event-stream', 'COMPLETED', 'IN_QUEUE', 'request_id', 'jobId', 'success', 'assetIds', '200', '269', '302', '404', '422', '499', '503', 'pixazo', 'scenario', 'fal', 'stream', 'upload'], // prettier-ignore
  maxBytes: 32 * 1024,
  quick: 80,
  run: async (bytes) => {
    const script = toJsonValue(bytes);
    if (!isRecord(script)) return;
    const stop = new AbortController();
    await serve(Array.isArray(script['replies']) ? script['replies'] : [], stop);
    await work(providerOf(script, stop), script, stop);
  },
};

const MOST_REQUESTS = 24;
const MOST_SLEEPS = 40;

const FAL = {
  submit: {
    status: 'IN_QUEUE',
    request_id: 'r1',
    status_url: 'https://queue.fal.run/fal-ai/pixal3d/requests/r1/status',
  },
  running: { status: 'IN_PROGRESS', logs: [{ message: 'Step 1/2', timestamp: 't' }] },
  done: { status: 'COMPLETED' },
  result: { model_glb: { url: 'https://v3.fal.media/a.glb', file_size: 10 }, seed: 3 },
};
const PIXAZO = {
  submit: { request_id: 'r1', status: 'QUEUED' },
  done: { status: 'COMPLETED', output: { media_url: ['https://cdn.example/a.glb'] } },
};
const SCENARIO = {
  submit: { job: { jobId: 'job_1', status: 'queued' }, creativeUnitsCost: 3 },
  running: { job: { jobId: 'job_1', status: 'in-progress', progress: 0.5 } },
  done: {
    job: { jobId: 'job_1', status: 'success', metadata: { assetIds: ['asset_1'] }, billing: { cuCost: 3 } },
  },
  asset: { asset: { id: 'asset_1', url: 'https://cdn.example/a.glb', mimeType: 'model/gltf-binary' } },
};

function ok(body: Json, status = 200, headers: Record<string, string> = {}): Json {
  return { status, headers, body };
}

function events(...data: Json[]): Json {
  const body = data.map((item) => `data: ${JSON.stringify(item)}\n\n`).join('');
  return { status: 200, headers: { 'content-type': 'text/event-stream' }, body };
}

let replies: unknown[] = [];
let requests = 0;
let stopping = new AbortController();

/** One server for all inputs. */
let server: http.Server | undefined;

async function serve(script: unknown[], stop: AbortController): Promise<void> {
  replies = script.slice(0, MOST_REQUESTS);
  requests = 0;
  stopping = stop;
  if (server) return;
  server = http.createServer((request, response) => {
    request.resume();
    // What the provider says last it says for ever, until nobody wants to wait any more.
    if (++requests > MOST_REQUESTS) stopping.abort(new Error('enough'));
    answer(replies.length > 1 ? replies.shift() : replies[0], response);
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
}

function answer(reply: unknown, response: http.ServerResponse): void {
  const { status, headers, body } = isRecord(reply) ? reply : { status: 500, headers: {}, body: reply };
  response.statusCode =
    typeof status === 'number' && status >= 200 && status <= 599 ? Math.floor(status) : 200;
  for (const [name, value] of Object.entries(isRecord(headers) ? headers : {})) {
    try {
      if (!/^(content-length|transfer-encoding|connection|expect|trailer|upgrade)$/i.test(name))
        response.setHeader(name, String(value));
    } catch {
      // No server could send that.
    }
  }
  response.end(typeof body === 'string' ? body : JSON.stringify(body ?? null));
}

/** To wait is to move the clock. */
function clockOf(stop: AbortController): Clock {
  let now = 1_800_000_000_000;
  let sleeps = 0;
  return {
    now: () => now,
    async sleep(ms, signal) {
      hold(ms >= 0 && ms <= 3_600_000, `a sleep of ${ms} ms`);
      now += ms;
      if (++sleeps > MOST_SLEEPS) stop.abort(new Error('enough'));
      signal.throwIfAborted();
      await Promise.resolve();
    },
  };
}

function providerOf({ provider, stream }: Record<string, unknown>, stop: AbortController): Provider {
  const address = server?.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  keepSecret(SECRET);
  const nobody = (): Promise<never> =>
    Promise.reject(Object.assign(new Error('no name'), { code: 'ENOTFOUND' }));
  const common = {
    key: SECRET,
    clock: clockOf(stop),
    pollMs: stream === true ? undefined : 1,
    allowHosts: [],
    resolve: nobody,
  };
  if (provider === 'pixazo') return new PixazoProvider({ ...common, url });
  if (provider === 'scenario') return new ScenarioProvider({ ...common, secret: SECRET, url });
  return new FalProvider({ ...common, queueUrl: url, restUrl: url, firstEventMs: 50, silenceMs: 50 });
}

async function work(
  provider: Provider,
  { upload }: Record<string, unknown>,
  stop: AbortController,
): Promise<void> {
  const { signal } = stop;
  const context = { signal, log: silentLog, readInput: () => Promise.resolve(PNG) };
  const submitting = <Out>(promise: Promise<Out>): Promise<Out | undefined> =>
    outcome(promise, stop, (error) => error instanceof SubmitError || error instanceof MeshwrightError);
  const following = <Out>(promise: Promise<Out>): Promise<Out | undefined> =>
    outcome(promise, stop, (error) => error instanceof ProviderFailure);
  if (upload === true && provider.id !== 'pixazo') {
    const file = {
      key: 'k',
      sha256: 'a'.repeat(64),
      mimeType: 'image/png',
      read: () => Promise.resolve(PNG),
    };
    await submitting(provider.upload(file, context));
    return;
  }
  const body = { image_url: 'https://example.com/a.png' };
  const operation = await submitting(provider.submit({ jobId: 'job_1', model: 'pixal3d', body }, context));
  if (operation === undefined) return;
  hold(isJson(operation) && JSON.stringify(operation).length < 100_000, 'an operation is too long');
  let last = 0;
  const report = ({
    progress = 0,
    stage = '-',
    queuePosition,
  }: {
    progress?: number | undefined;
    stage?: string | undefined;
    queuePosition?: number | undefined;
  }): void => {
    hold(progress >= last && progress <= 1, `progress went from ${last} to ${progress}`);
    hold(queuePosition === undefined || Number.isSafeInteger(queuePosition), `place ${queuePosition}`);
    readable(stage);
    last = progress;
  };
  await following(provider.follow(operation, { ...context, report }));
  if (!signal.aborted) {
    const result = await following(provider.result(operation, context));
    hold(result === undefined || isJson(result.body), 'a result is no JSON');
    hold(
      !result?.billedUnits || (result.billedUnits > 0 && Number.isFinite(result.billedUnits)),
      'units that are none',
    );
  }
  if (!signal.aborted)
    await outcome(provider.cancel(operation, context), stop, (error) => error instanceof MeshwrightError);
}

const PNG = new Uint8Array(Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));

/** Errors of the kinds that are promised end a step; every other one is a defect. */
async function outcome<Out>(
  promise: Promise<Out>,
  { signal }: AbortController,
  promised: (error: unknown) => boolean,
): Promise<Out | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Broken) throw error;
    if (!promised(error) && !signal.aborted) throw error;
    const message = error instanceof Error ? error.message : '';
    if (promised(error)) readable(message);
    hold(!message.includes(SECRET), 'a key was shown');
    return undefined;
  }
}
