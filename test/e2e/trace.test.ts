import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord, type JsonObject } from '../../src/json.js';
import type { JournalEntry } from '../emulator/common/journal.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import { PIXAZO_TEST_KEY, type PixazoEmulator, startPixazoEmulator } from '../emulator/pixazo.js';
import { CLI, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { type HttpProcess, startHttpProcess } from '../support/http-server.js';
import { callTool, type ModernOptions, REVISION } from '../support/modern.js';

/** The caller's trace through the real server, to its log and to the providers. */

const IMAGE = 'https://example.com/dog.png';
const SPAN = '00f067aa0ba902b7';
const idOf = (digit: string): string => digit.repeat(32);
const parentOf = (digit: string): string => `00-${idOf(digit)}-${SPAN}-01`;

let folder: string;
let fal: FalEmulator;
let pixazo: PixazoEmulator;

beforeEach(async () => {
  folder = await temporaryFolder();
  [fal, pixazo] = await Promise.all([startFalEmulator({ jobMs: 200 }), startPixazoEmulator({ jobMs: 200 })]);
});
afterEach(async () => {
  await Promise.all([fal.close(), pixazo.close()]);
  await removeFolder(folder);
});

const env = (): Record<string, string> =>
  serverEnv(path.join(folder, 'data'), {
    FAL_KEY: FAL_TEST_KEY,
    PIXAZO_API_KEY: PIXAZO_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
    MESHWRIGHT_ALLOW_HOSTS: `${new URL(fal.urls.cdn).host},${new URL(pixazo.urls.cdn).host}`,
    MESHWRIGHT_POLL_MS: '50',
    MESHWRIGHT_LOG: 'debug',
  });

type Seen = Pick<JournalEntry, 'role' | 'headers'>;
const seen = (): Seen[] => [...fal.journal.entries(), ...pixazo.journal.entries()];
const tracesIn = (entries: readonly Seen[]): string[] =>
  entries.map(({ headers }) => [headers['traceparent'] ?? 'none'].flat().join(' & '));
const entryOf = (line: string): JsonObject => {
  const entry: unknown = JSON.parse(line);
  return isRecord(entry) ? JSON.parse(line) : {};
};

describe('a trace', () => {
  let server: HttpProcess;

  beforeEach(async () => {
    server = await startHttpProcess(env());
  });
  afterEach(() => server.stop());

  const generate = (provider: string, options: ModernOptions = {}): Promise<JsonObject> =>
    callTool(
      server.origin,
      'pixal3d',
      { image_url: IMAGE, provider, force_new: true, wait_seconds: 20 },
      options,
    );

  it.each(['fal', 'pixazo'])('goes along to %s with a span of its own for each request', async (provider) => {
    const done = await generate(provider, {
      meta: { traceparent: parentOf('a'), tracestate: 'congo=t61rcWkgMzE', baggage: 'user=ada' },
      headers: { traceparent: parentOf('b') },
    });
    expect(done['status']).toBe('succeeded');
    const cdn = seen().filter(({ role }) => role === 'cdn');
    const api = seen().filter(({ role }) => role !== 'cdn');
    expect(new Set(tracesIn(cdn))).toEqual(new Set(['none']));
    for (const parent of tracesIn(api))
      expect(parent).toMatch(new RegExp(`^00-a{32}-(?!${SPAN})[0-9a-f]{16}-01$`));
    expect(new Set(tracesIn(api)).size).toBe(api.length);
    expect(api.length).toBeGreaterThan(2);
    for (const { headers } of api) {
      expect(headers['tracestate']).toBe('congo=t61rcWkgMzE');
      expect(headers).not.toHaveProperty('baggage');
    }
  });

  it('is in the log lines of its request and its job, and in no others', async () => {
    const jobs: Record<string, unknown> = {};
    jobs['c'] = (await generate('fal', { headers: { traceparent: parentOf('c') } }))['job_id'];
    jobs['none'] = (await generate('fal'))['job_id'];
    jobs['d'] = (await generate('fal', { headers: { traceparent: parentOf('d') } }))['job_id'];
    await generate('fal', { headers: { traceparent: `00-${idOf('e')}-nonsense` } });
    const lines = server.log.map(entryOf);
    for (const [digit, job] of Object.entries(jobs)) {
      const own = lines.filter((line) => line['job'] === job);
      expect(own.length).toBeGreaterThan(0);
      for (const line of own) expect(line['trace_id']).toBe(digit === 'none' ? undefined : idOf(digit));
    }
    await expect
      .poll(() =>
        server.log
          .map(entryOf)
          .filter(({ message }) => message === 'request')
          .map((line) => line['trace_id']),
      )
      .toEqual([idOf('c'), undefined, idOf('d'), undefined]);
    expect(lines.find(({ trace_id: id }) => id === idOf('c'))?.['span_id']).toBe(SPAN);
    expect(tracesIn(seen()).join()).not.toContain('e'.repeat(32));
  });

  it('is still that of the job when another process carries it on', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', runMs: 1_500 } });
    const { job_id: id } = await callTool(
      server.origin,
      'pixal3d',
      { image_url: IMAGE, provider: 'fal', wait_seconds: 0 },
      { meta: { traceparent: parentOf('f') } },
    );
    await expect.poll(() => fal.journal.entries({ op: 'submit' }).length).toBe(1);
    await server.stop();
    const before = fal.journal.entries().length;
    server = await startHttpProcess(env());
    await callTool(server.origin, 'wait_for_job', { job_id: id ?? '', wait_seconds: 20 });
    const after = fal.journal
      .entries()
      .slice(before)
      .filter(({ role }) => role !== 'cdn');
    expect(after.length).toBeGreaterThan(0);
    for (const parent of tracesIn(after)) expect(parent).toMatch(/^00-f{32}-/);
  });
});

it('comes over stdio as well, each message with its own', async () => {
  const child = spawn(process.execPath, [CLI], { env: env(), stdio: ['pipe', 'pipe', 'pipe'] });
  const log: JsonObject[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => log.push(entryOf(line)));
  const answers = createInterface({ input: child.stdout });
  const call = async (id: number, meta: JsonObject): Promise<void> => {
    const answered = new Promise<void>((resolve) => {
      answers.on('line', (line) => (entryOf(line)['id'] === id ? resolve() : undefined));
    });
    const message = {
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: {
        name: 'pixal3d',
        arguments: { image_url: IMAGE, provider: 'fal', force_new: true, wait_seconds: 20 },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': REVISION,
          'io.modelcontextprotocol/clientInfo': { name: 'meshwright-tests', version: '0.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
          ...meta,
        },
      },
    };
    child.stdin.write(`${JSON.stringify(message)}\n`);
    await answered;
  };
  await Promise.all([
    call(1, { traceparent: parentOf('1') }),
    call(2, { traceparent: parentOf('2') }),
    call(3, {}),
  ]);
  child.stdin.end();
  await once(child, 'exit');
  const submits = tracesIn(fal.journal.entries({ op: 'submit' })).map((parent) => parent.split('-')[1]);
  expect(new Set(submits)).toEqual(new Set([idOf('1'), idOf('2'), undefined]));
  const begun = log.filter(({ message }) => message === 'a job begins').map((line) => line['trace_id']);
  expect(new Set(begun)).toEqual(new Set([idOf('1'), idOf('2'), undefined]));
});
