import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord, type JsonObject } from '../../src/json.js';
import type { Provider } from '../../src/providers/provider.js';
import type { ClockMode } from '../emulator/common/clock.js';
import type { Journal, JournalEntry } from '../emulator/common/journal.js';
import type { Ledger } from '../emulator/common/ledger.js';
import { FAL_TEST_KEY, startFalEmulator } from '../emulator/fal.js';
import { PIXAZO_TEST_KEY, startPixazoEmulator } from '../emulator/pixazo.js';
import { SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET, startScenarioEmulator } from '../emulator/scenario.js';
import * as falSupport from '../providers/fal-support.js';
import * as pixazoSupport from '../providers/pixazo-support.js';
import * as scenarioSupport from '../providers/scenario-support.js';
import type { Fault } from '../providers/suite.js';
import { context, followContext, sharedClock } from '../providers/support.js';
import {
  CLI,
  connect,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
  type ToolResult,
} from '../support/clients.js';
import { ballPng, dataUri } from '../support/images.js';

/**
 * What must hold at every provider whatever happens there, each promise by its number. Number 8, the same call means
 * the same at all three, is in pixal3d.test.ts.
 */

/** A provider's stand-in, and how the promises are put to the test with it. */
interface Service {
  /** What points meshwright at it. */
  env: Record<string, string>;
  image: string;
  /** The role that is given the key; no other may see it. */
  role: string;
  secrets: readonly string[];
  /** What is sent to ask whether a job is done, and to read its result. */
  reads: readonly string[];
  journal: Journal;
  ledger: Ledger;
  fault: (op: string, action: Fault, times?: number | 'always') => void;
  /** How the next job runs: for how long, without an ear for cancellations, or to a failure in these words. */
  next: (plan: { runMs?: number; failure?: string }) => void;
  /** What an agent sees of such a failure beside the words. */
  failureKind: string;
  /** Its own clock moves on. */
  advance: (ms: number) => void;
  /** On the emulator's clock; asks from time to time. */
  open: () => Promise<{ provider: Provider; model: string; body: JsonObject }>;
  close: () => Promise<void>;
}

const BODY = { image_url: 'https://example.com/dog.png' };

const START = {
  async fal(clock: ClockMode): Promise<Service> {
    const fal = await startFalEmulator({ clock, jobMs: 200 });
    return {
      env: {
        FAL_KEY: FAL_TEST_KEY,
        MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
        MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
        MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
      },
      image: dataUri(await ballPng(1)),
      role: 'queue',
      secrets: [...FAL_TEST_KEY.split(':'), base64(FAL_TEST_KEY)],
      reads: ['status', 'result'],
      journal: fal.journal,
      ledger: fal.ledger,
      fault: (op, action, times = 1) => void fal.fault({ match: { op }, action, times }),
      next: ({ runMs, failure }) =>
        void fal.fault({
          match: { op: 'submit' },
          action: {
            type: 'job',
            queueMs: 0,
            ignoreCancel: true,
            runMs,
            ...(failure === undefined
              ? {}
              : {
                  failure: {
                    status: 422,
                    json: {
                      detail: [{ loc: ['body', 'image_url'], msg: failure, type: 'image_load_error' }],
                    },
                  },
                }),
          },
        }),
      failureKind: 'image_load_error',
      advance: fal.clock.advance,
      open: () =>
        Promise.resolve({
          provider: falSupport.providerFor(fal, { clock: sharedClock(fal), pollMs: 3_000 }),
          model: falSupport.PIXAL3D,
          body: BODY,
        }),
      close: () => fal.close(),
    };
  },
  async pixazo(clock: ClockMode): Promise<Service> {
    const pixazo = await startPixazoEmulator({ clock, jobMs: 200 });
    return {
      env: {
        PIXAZO_API_KEY: PIXAZO_TEST_KEY,
        MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
        MESHWRIGHT_ALLOW_HOSTS: new URL(pixazo.urls.cdn).host,
      },
      // It reads public URLs only.
      image: BODY.image_url,
      role: 'gateway',
      secrets: [PIXAZO_TEST_KEY, base64(PIXAZO_TEST_KEY)],
      reads: ['status', 'result'],
      journal: pixazo.journal,
      ledger: pixazo.ledger,
      fault: (op, action, times = 1) => void pixazo.fault({ match: { op }, action, times }),
      next: ({ runMs, failure }) =>
        void pixazo.fault({
          match: { op: 'submit' },
          action: {
            type: 'job',
            queueMs: 0,
            runMs,
            ...(failure === undefined ? {} : { failure: { status: 'FAILED', error: failure } }),
          },
        }),
      failureKind: 'Pixazo',
      advance: pixazo.clock.advance,
      open: () =>
        Promise.resolve({ provider: pixazoSupport.providerFor(pixazo), model: 'pixal3d', body: BODY }),
      close: () => pixazo.close(),
    };
  },
  async scenario(clock: ClockMode): Promise<Service> {
    const scenario = await startScenarioEmulator({ clock, jobMs: 200, cancelReply: 'ignored' });
    const { cdn, storage } = scenario.urls;
    return {
      env: {
        SCENARIO_SDK_API_KEY: SCENARIO_TEST_KEY,
        SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET,
        MESHWRIGHT_SCENARIO_URL: scenario.urls.api,
        MESHWRIGHT_ALLOW_HOSTS: [cdn, storage].map((url) => new URL(url).host).join(','),
      },
      image: dataUri(await ballPng(1)),
      role: 'api',
      secrets: [
        SCENARIO_TEST_KEY,
        SCENARIO_TEST_SECRET,
        base64(`${SCENARIO_TEST_KEY}:${SCENARIO_TEST_SECRET}`),
      ],
      reads: ['status'],
      journal: scenario.journal,
      ledger: scenario.ledger,
      fault: (op, action, times = 1) => void scenario.fault({ match: { op }, action, times }),
      next: ({ runMs, failure }) =>
        void scenario.fault({
          match: { op: 'submit' },
          action: {
            type: 'job',
            queueMs: 0,
            runMs,
            ...(failure === undefined ? {} : { failure: { error: failure } }),
          },
        }),
      failureKind: 'Scenario',
      advance: scenario.clock.advance,
      async open() {
        const provider = scenarioSupport.providerFor(scenario);
        const image = await scenarioSupport.uploaded(provider);
        return { provider, model: 'model_pixal3d', body: { image } };
      },
      close: () => scenario.close(),
    };
  },
};

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

const PROVIDERS = ['fal', 'pixazo', 'scenario'] as const;
/** Longer than any test; the emulator's clock is moved over it. Milliseconds. */
const LONG = 600_000;
const HOUR_AND_A_MINUTE = 61 * 60_000;

let folder: string;
let service: Service;
let client: TestClient | undefined;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await client?.close();
  client = undefined;
  await service.close();
  await removeFolder(folder);
});

const dataDir = (): string => path.join(folder, 'data');

/** @param extra of the server's environment */
async function connected(extra: Record<string, string> = {}): Promise<TestClient> {
  client = await connect('v1', serverEnv(dataDir(), { ...service.env, MESHWRIGHT_POLL_MS: '100', ...extra }));
  return client;
}

async function start(provider: keyof typeof START): Promise<TestClient> {
  service = await START[provider]('real');
  return connected();
}

const make = (from: TestClient, args: Record<string, unknown> = {}): Promise<ToolResult> =>
  from.call('pixal3d', { image_url: service.image, wait_seconds: 50, ...args });
const waitFor = (from: TestClient, { structured }: ToolResult): Promise<ToolResult> =>
  from.call('wait_for_job', { job_id: structured?.['job_id'], wait_seconds: 50 });
const submits = (): number => service.journal.count(service.role, 'submit');
/** Questions after a job, its file included. */
const asked = (op = service.reads[0]): JournalEntry[] => service.journal.entries({ op });

async function killed(): Promise<void> {
  const pid = client?.pid;
  if (typeof pid === 'number') process.kill(pid, 'SIGKILL');
  await client?.close().catch(() => undefined);
}

/** What is wanted of everything below the data folder: path and bytes. */
async function filesOf(
  dir: string,
  wanted: (name: string) => boolean = () => true,
): Promise<[name: string, bytes: Buffer][]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && wanted(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name));
  return Promise.all(names.map(async (name): Promise<[string, Buffer]> => [name, await readFile(name)]));
}

/** The finished GLBs, each as long as it says. */
async function wholeModels(): Promise<number> {
  // Without the notes on files whose rows are on the way, which are gone a moment after the answer.
  const models = await filesOf(dataDir(), (name) => name.endsWith('.glb') && !name.includes('+'));
  for (const [name, bytes] of models) expect(bytes.readUInt32LE(8), name).toBe(bytes.length);
  return models.length;
}

describe.each(PROVIDERS)('at %s', (provider) => {
  it('1. a reply lost after acceptance is one purchase, is told as such, and nothing is sent again', async () => {
    const first = await start(provider);
    service.fault('submit', { type: 'reset', accept: true });
    // Where there is a list of jobs, this one would be found in it: see lost.test.ts.
    service.fault('list', { type: 'server', status: 503 }, 'always');
    let lost = await make(first, { wait_seconds: 0 });
    // The same call finds its job.
    await expect
      .poll(async () => (lost = await make(first, { wait_seconds: 0 })).structured, { timeout: 20_000 })
      .toMatchObject({ status: 'unconfirmed' });
    expect(lost.structured).toMatchObject({
      provider,
      error: { code: 'unconfirmed', charged: 'unknown' },
      next: expect.stringMatching(/ask the user/i),
    });
    await killed();
    const second = await connected();
    const same = await make(second, { wait_seconds: 2 });
    expect(same.structured).toMatchObject({
      job_id: lost.structured?.['job_id'],
      status: 'unconfirmed',
      deduplicated: true,
    });
    expect(submits()).toBe(1);
    expect(service.ledger.accepted).toBe(1);
  });

  it('2. a process that is killed while it waits is followed by one that finishes without a new submit', async () => {
    const first = await start(provider);
    service.next({ runMs: LONG });
    const started = await make(first, { wait_seconds: 0 });
    await expect.poll(() => asked().length, { timeout: 10_000 }).toBeGreaterThan(1);
    await killed();
    const seen = asked().length;
    const second = await connected();
    await expect.poll(() => asked().length, { timeout: 10_000 }).toBeGreaterThan(seen);
    service.advance(LONG);
    const done = await waitFor(second, started);
    expect(done.structured, done.text).toMatchObject({
      status: 'succeeded',
      job_id: started.structured?.['job_id'],
    });
    expect(submits()).toBe(1);
    expect(service.ledger.accepted).toBe(1);
  });

  it('3. a cancellation that nobody heeds ends in the finished model, told as charged', async () => {
    const from = await start(provider);
    service.next({ runMs: LONG });
    const started = await make(from, { wait_seconds: 0 });
    const job = { job_id: started.structured?.['job_id'] };
    await expect
      .poll(async () => (await from.call('get_job', job)).structured?.['status'], { timeout: 10_000 })
      .toBe('running');
    const cancelled = await from.call('cancel_job', job);
    expect(cancelled.isError).toBe(false);
    expect(cancelled.structured?.['message']).toMatch(/runs on and is charged/);
    service.advance(LONG);
    const done = await waitFor(from, started);
    expect(done.structured, done.text).toMatchObject({
      status: 'succeeded',
      message: expect.stringMatching(/charged/),
      assets: [{ role: 'model', format: 'glb' }],
    });
    expect(service.ledger.entries()).toMatchObject([{ state: 'billed' }]);
  });

  it('4. after a 429 with Retry-After 7 nothing is asked for 7 seconds', async () => {
    service = await START[provider]('virtual');
    const { provider: adapter, model, body } = await service.open();
    const operation = await adapter.submit({ jobId: 'job_1', model, body }, context());
    service.fault('status', { type: 'throttle', retryAfter: 7 });
    await adapter.follow(operation, followContext());
    const [first, second] = asked('status');
    expect(first?.faults).toEqual(['throttle']);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(7_000);
    expect(submits()).toBe(1);
  });

  it.each([
    [
      'a 429, which proves that nothing was accepted',
      { type: 'respond', status: 429, headers: { 'retry-after': '1' }, json: { message: 'Slow down' } },
      2,
      'succeeded',
    ],
    ['a 503, which proves nothing', { type: 'server', status: 503 }, 1, 'unconfirmed'],
  ] satisfies [string, Fault, number, string][])(
    '4. a submit is sent again only after what proves non-acceptance: %s',
    async (_name, fault, sent, status) => {
      const from = await start(provider);
      service.fault('submit', fault);
      const result = await make(from);
      expect(result.structured, result.text).toMatchObject({ status });
      expect(submits()).toBe(sent);
    },
  );

  it('5. a job that is done and failed says so in the words of the provider, without keys and signatures', async () => {
    const from = await start(provider);
    const signed = 'https://cdn.example.com/a.png?X-Amz-Signature=0123456789abcdef';
    service.next({ failure: `The mesh of ${signed} could not be made for ${service.secrets[0]}` });
    const failed = await make(from);
    expect(failed.isError).toBe(true);
    expect(failed.structured).toMatchObject({ status: 'failed', error: { code: 'provider_failed' } });
    const error = isRecord(failed.structured?.['error']) ? failed.structured['error'] : {};
    expect(error['message']).toMatch(/The mesh of https:\/\/cdn\.example\.com\/a\.png.* could not be made/);
    expect(error['message']).toContain(service.failureKind);
    for (const hidden of ['0123456789abcdef', ...service.secrets])
      expect(JSON.stringify(failed)).not.toContain(hidden);
  });

  it.each([
    ['that breaks off', { type: 'truncate', byte: 300 }],
    ['that is cut, with the length of what is left', { type: 'truncate', byte: 300, declare: 'actual' }],
  ] satisfies [string, Fault][])(
    '6. a GLB %s is fetched again, and only the whole one gets its name',
    async (_name, fault) => {
      const from = await start(provider);
      service.fault('download', fault);
      const result = await make(from);
      expect(result.structured, result.text).toMatchObject({
        status: 'succeeded',
        assets: [{ role: 'model', format: 'glb', triangles: expect.any(Number) }],
      });
      expect(asked('download').length).toBeGreaterThan(1);
      expect(await wholeModels()).toBe(1);
      expect(submits()).toBe(1);
    },
  );

  it('10. the key is seen by its provider alone: no file store, log, answer, error or database has it', async () => {
    service = await START[provider]('real');
    const told = await everythingToldOf(async (call) => {
      service.fault('status', { type: 'respond', status: 500, text: `Bad key ${service.secrets.join(' ')}` });
      service.fault('download', { type: 'reset-at', byte: 300 });
      await call('pixal3d', { image_url: service.image, wait_seconds: 20 });
      service.next({ failure: `No mesh for ${service.secrets.join(', ')}` });
      await call('pixal3d', { image_url: service.image, wait_seconds: 20, seed: 2 });
      const refusal = { detail: service.secrets.join(' '), message: service.secrets.join(' ') };
      const refusal401: Fault = { type: 'respond', status: 401, json: refusal };
      service.fault('submit', refusal401);
      await call('pixal3d', { image_url: service.image, wait_seconds: 20, seed: 3 });
      service.fault('submit', { type: 'reset', accept: true });
      service.fault('list', refusal401, 'always');
      await call('pixal3d', { image_url: service.image, wait_seconds: 2, seed: 4 });
      for (const tool of ['list_jobs', 'list_assets', 'list_models']) await call(tool, {});
    });
    expect(told.answers.join()).toMatch(/succeeded.*failed.*unconfirmed/s);
    expect(told.log).toMatch(/"level":"debug"/);
    const others = service.journal.entries().filter(({ role }) => role !== service.role && role !== 'rest');
    expect(others.some(({ op }) => op === 'download')).toBe(true);
    const database = (await filesOf(dataDir())).map(([, bytes]) => bytes.toString('latin1')).join();
    for (const secret of service.secrets) {
      expect(JSON.stringify(others)).not.toContain(secret);
      expect(told.log).not.toContain(secret);
      expect(told.answers.join()).not.toContain(secret);
      expect(database).not.toContain(secret);
    }
    const signatures = others
      .flatMap(({ query }) => [...new URLSearchParams(query).values()])
      .filter(({ length }) => length >= 16);
    if (provider === 'scenario') expect(signatures.length).toBeGreaterThan(0);
    for (const signature of signatures) {
      expect(told.log).not.toContain(signature);
      expect(told.answers.join()).not.toContain(signature);
    }
  });

  it('12. a result that nobody saw for 61 minutes is expired, with the id of its request and what to do', async () => {
    const first = await start(provider);
    service.next({ runMs: LONG });
    const started = await make(first, { wait_seconds: 0 });
    await expect.poll(() => service.ledger.accepted, { timeout: 10_000 }).toBe(1);
    await expect
      .poll(
        async () =>
          (await first.call('get_job', { job_id: started.structured?.['job_id'] })).structured?.['status'],
        {
          timeout: 10_000,
        },
      )
      .toBe('running');
    await killed();
    service.advance(LONG);
    await expect.poll(() => service.ledger.entries()[0]?.state, { timeout: 10_000 }).toBe('billed');
    service.advance(HOUR_AND_A_MINUTE);
    // fal tells of a job without its result; the others do not say how long they keep what.
    if (provider !== 'fal')
      for (const op of service.reads) service.fault(op, { type: 'server', status: 404 }, 'always');
    const before = asked().length;
    const gone = await waitFor(await connected(laterBy(HOUR_AND_A_MINUTE)), started);
    const requestId = service.ledger.entries()[0]?.requestId ?? 'none';
    expect(gone.structured, gone.text).toMatchObject({
      status: 'failed',
      error: {
        code: 'result_expired',
        message: expect.stringMatching(new RegExp(`${requestId}.*force_new`)),
      },
    });
    expect(asked().length - before).toBeLessThan(10);
    expect(submits()).toBe(1);
  });
});

describe('at those that have it', () => {
  it('7. quads are told and named as the FBX that they are', async () => {
    const from = await start('fal');
    const quad = await from.call('tripo_image_to_3d', {
      image_url: BODY.image_url,
      quad: true,
      wait_seconds: 20,
    });
    expect(quad.structured?.['assets']).toMatchObject([
      { role: 'model', format: 'fbx', path: expect.stringMatching(/\.fbx$/) },
      { role: 'preview' },
    ]);
  });

  it('9. a link of Scenario that expires between reading and download is read again, once', async () => {
    service = await START.scenario('real');
    const from = await connected();
    service.fault('download', { type: 'respond', status: 403, text: '<Error>Expired</Error>' });
    const result = await make(from);
    expect(result.structured, result.text).toMatchObject({ status: 'succeeded' });
    expect(asked('asset')).toHaveLength(2);
    expect(asked('download').map(({ status }) => status)).toEqual([403, 200]);
    expect(service.ledger.accepted).toBe(1);
  });
});

/** The environment of a server that lives so much later. */
function laterBy(ms: number): Record<string, string> {
  const module = `const now = Date.now; Date.now = () => now() + ${ms};`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(module)}` };
}

type Call = (tool: string, args: Record<string, unknown>) => Promise<void>;

/** All that a server says while it is used: its answers as they came, and its log with every detail. */
async function everythingToldOf(
  use: (call: Call) => Promise<void>,
): Promise<{ answers: string[]; log: string }> {
  const env = serverEnv(dataDir(), { ...service.env, MESHWRIGHT_POLL_MS: '100', MESHWRIGHT_LOG: 'debug' });
  const transport = new StdioClientTransport({ command: process.execPath, args: [CLI], env, stderr: 'pipe' });
  let log = '';
  transport.stderr?.on('data', (text: Buffer) => (log += text.toString()));
  const plain = new Client({ name: 'meshwright-tests', version: '0.0.0' });
  const answers: string[] = [];
  await plain.connect(transport);
  try {
    await use(async (name, args) => {
      answers.push(JSON.stringify(await plain.callTool({ name, arguments: args })));
    });
  } finally {
    await plain.close();
  }
  return { answers, log };
}
