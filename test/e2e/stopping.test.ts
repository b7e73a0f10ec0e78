import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isJsonObject, isRecord } from '../../src/json.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import {
  CLI,
  type ClientKind,
  connect,
  connectHttp,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
} from '../support/clients.js';
import { startHttpProcess } from '../support/http-server.js';
import { ballPng, dataUri } from '../support/images.js';
import { callAndResume, openSession, sendIn } from '../support/session.js';

/** A server that is told to stop while its clients wait for a job that goes on for long. */

let folder: string;
let fal: FalEmulator;
beforeEach(async () => {
  folder = await temporaryFolder();
  fal = await startFalEmulator({ jobMs: 60_000 });
});
afterEach(async () => {
  await fal.close();
  await removeFolder(folder);
});

const env = (): Record<string, string> =>
  serverEnv(path.join(folder, 'data'), {
    FAL_KEY: FAL_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
  });

const STILL_RUNNING = {
  isError: false,
  structured: {
    job_id: expect.stringMatching(/^job_/),
    status: expect.stringMatching(/queued|running/),
    next: expect.stringContaining('wait_for_job'),
  },
};

/** Two calls that wait: one that makes a job, and one that waits for it. */
async function waiting(client: TestClient): Promise<Promise<unknown>[]> {
  const image = dataUri(await ballPng(1));
  const begun = { making: false, waiting: false };
  const making = client.call(
    'pixal3d',
    { image_url: image, wait_seconds: 300 },
    { onprogress: () => (begun.making = true) },
  );
  const job = async (): Promise<unknown> => {
    const jobs = (await client.call('list_jobs', {})).structured?.['jobs'];
    return Array.isArray(jobs) && isJsonObject(jobs[0]) ? jobs[0]['job_id'] : undefined;
  };
  await expect.poll(job).toBeDefined();
  const wait = { job_id: await job(), wait_seconds: 300 };
  const waits = client.call('wait_for_job', wait, { onprogress: () => (begun.waiting = true) });
  await expect.poll(() => begun).toEqual({ making: true, waiting: true });
  return [making, waits];
}

describe('the HTTP server', () => {
  it.each<ClientKind>(['v1', 'v2 legacy', 'v2 modern'])(
    'answers what waits for a job before it closes, for %s clients',
    async (kind) => {
      const server = await startHttpProcess(env());
      const client = await connectHttp(kind, `${server.origin}/mcp`);
      const calls = await waiting(client);
      const toldAt = performance.now();
      const [code, ...answers] = await Promise.all([server.stop(), ...calls]);
      expect(code).toBe(0);
      // Later it would have been stopped by force.
      expect(performance.now() - toldAt).toBeLessThan(8_000);
      expect(answers).toMatchObject([STILL_RUNNING, STILL_RUNNING]);
      await client.close().catch(() => undefined);
    },
  );

  it('sends nothing more meanwhile: what was not bought yet is bought by the next server', async () => {
    const server = await startHttpProcess(env());
    const client = await connectHttp('v1', `${server.origin}/mcp`);
    fal.fault({ match: { op: 'initiate' }, action: { type: 'delay', ms: 1_000 } });
    fal.fault({ match: { op: 'download' }, action: { type: 'delay', ms: 2_500 } });
    // Keeps the server from closing at once.
    const fetching = client.call('local_image_to_3d', { image_url: `${fal.urls.cdn}/files/slow.png` });
    await expect.poll(() => fal.journal.count('cdn', 'download')).toBe(1);
    const making = client.call('pixal3d', { image_url: dataUri(await ballPng(1)), wait_seconds: 300 });
    await expect.poll(() => fal.journal.count('rest', 'initiate')).toBe(1);
    const [code, made] = await Promise.all([server.stop(), making, fetching.catch(() => undefined)]);
    expect([code, made.structured?.['status']]).toEqual([0, 'queued']);
    expect(fal.journal.count('queue', 'submit')).toBe(0);
    await client.close().catch(() => undefined);

    const next = await startHttpProcess(env());
    await expect.poll(() => fal.ledger.accepted, { timeout: 10_000 }).toBe(1);
    await next.stop();
  });

  it('ends a wait for the result of a task with an error that says what to do', async () => {
    const server = await startHttpProcess(env());
    const headers = await openSession(server.origin);
    const image_url = dataUri(await ballPng(1));
    const call = { name: 'pixal3d', arguments: { image_url }, task: {} };
    const begun = await sendIn(server.origin, headers, 2, 'tools/call', call);
    const taskId = /"taskId":"(\w+)"/.exec(await begun.text())?.[1] ?? '';
    const result = await sendIn(server.origin, headers, 3, 'tasks/result', { taskId });
    const [text] = await Promise.all([result.text(), server.stop()]);
    expect(text).toMatch(/"error":.*The server is stopping; the task goes on/);
  });

  it('answers on the stream to which a client came back', async () => {
    const server = await startHttpProcess(env());
    const headers = await openSession(server.origin);
    const image_url = dataUri(await ballPng(1));
    const call = { name: 'pixal3d', arguments: { image_url, wait_seconds: 300 } };
    const resumed = await callAndResume(server.origin, headers, 2, call);
    const [text] = await Promise.all([resumed.text(), server.stop()]);
    expect(text).toMatch(/"id":2\b/);
    expect(text).toMatch(/"status":"(queued|running)"/);
  });
});

describe('the stdio server', () => {
  it.each<ClientKind>(['v1', 'v2 modern'])('answers what waits for a job, for %s clients', async (kind) => {
    const client = await connect(kind, env());
    const calls = await waiting(client);
    process.kill(client.pid ?? 0, 'SIGTERM');
    expect(await Promise.all(calls)).toMatchObject([STILL_RUNNING, STILL_RUNNING]);
    await client.close().catch(() => undefined);
  });

  it('answers a client that has sent all it has to say', async () => {
    const child = spawn(process.execPath, [CLI], { env: env(), stdio: ['pipe', 'pipe', 'ignore'] });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const image_url = dataUri(await ballPng(1));
    const messages = [
      {
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'raw', version: '0' },
        },
      },
      { method: 'notifications/initialized' },
      {
        id: 2,
        method: 'tools/call',
        params: {
          name: 'pixal3d',
          arguments: { image_url, wait_seconds: 300 },
          _meta: { progressToken: 'the call' },
        },
      },
    ];
    child.stdin.write(messages.map((one) => `${JSON.stringify({ jsonrpc: '2.0', ...one })}\n`).join(''));
    const answers: unknown[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const message: unknown = JSON.parse(line);
      answers.push(message);
      // The call is at work: a process that only starts on a busy machine needs longer than it has at its end.
      if (isRecord(message) && message['method'] === 'notifications/progress') child.stdin.end();
    }
    expect(answers.find((one) => isRecord(one) && one['id'] === 2)).toMatchObject({
      result: { structuredContent: STILL_RUNNING.structured },
    });
    expect(await exited).toBe(0);
  });
});
