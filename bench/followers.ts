import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  callTool,
  headersOf,
  requestOf,
  type ServerProcess,
  startEmulator,
  startMeshwright,
  startReference,
} from './http-servers.js';
import { memoryMb, percentile, table } from './measure.js';

/**
 * Many clients over HTTP, each following a job of its own with progress, half of them in sessions of 2025-11-25 and
 * half in requests of 2026-07-28, while another one asks for a job over and over. The provider is the fal emulator in
 * another process. The floor is an idle server on the SDK that is asked for next to nothing at the same time: what it
 * takes to answer is the machine's doing.
 */
const CLIENTS = 200;
const JOB_MS = 60_000;
const ASK_EVERY_MS = 50;
/** In clusters, as people come. */
const SPREAD_MS = 5_000;

interface Followed {
  succeeded: boolean;
  progress: number;
  /** Longest time without any notification, milliseconds. */
  silenceMs: number;
}

export async function benchFollowers(): Promise<void> {
  const emulator = await startEmulator(JOB_MS);
  const [server, idle] = await Promise.all([startMeshwright(emulator.environment), startReference()]);
  try {
    await callTool(server.origin, 'list_jobs', {});
    const before = memoryMb(server.pid, 'VmRSS');
    const done = new AbortController();
    const asking = Promise.all([askForJobs(server, done.signal), askForNothing(idle, done.signal)]);
    const followed = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, i) => {
        await pause((i / CLIENTS) * SPREAD_MS);
        return follow(server.origin, i);
      }),
    );
    done.abort();
    const [latencies, floor] = await asking;
    const lost = followed.filter(({ succeeded }) => !succeeded).length;
    console.log(
      `\n${CLIENTS} clients over HTTP, each following a job of ${JOB_MS / 1000} s (bars: 0 lost, under 400 MB, p99 of get_job under 100 ms)`,
    );
    console.log(
      table(
        ['lost', 'least progress', 'longest silence s', 'RSS before MB', 'RSS peak MB'],
        [
          [
            String(lost),
            String(Math.min(...followed.map(({ progress }) => progress))),
            Math.max(...followed.map(({ silenceMs }) => silenceMs)) / 1000,
            before,
            memoryMb(server.pid, 'VmHWM'),
          ],
        ],
      ),
    );
    const row = (name: string, values: number[]): (string | number)[] => [
      name,
      String(values.length),
      ...[0.5, 0.99, 1].map((share) => percentile(values, share)),
    ];
    console.log(
      `\n${table(
        ['meanwhile', 'calls', 'median ms', 'p99 ms', 'most ms'],
        [row('get_job', latencies), row('floor', floor)],
      )}`,
    );
  } finally {
    await Promise.all([server.stop(), idle.stop()]);
    emulator.stop();
  }
}

/** One client: makes a job and reads its stream to the end. */
async function follow(origin: string, index: number): Promise<Followed> {
  const params = {
    name: 'triposr',
    arguments: { image_url: `https://example.com/${index}.png`, wait_seconds: 300, force_new: true },
  };
  const response =
    index % 2 === 0
      ? await fetch(`${origin}/mcp`, {
          method: 'POST',
          headers: headersOf('tools/call', params.name),
          body: requestOf(1, 'tools/call', params, { progressToken: 'p' }),
        })
      : await inSession(origin, { ...params, _meta: { progressToken: 'p' } });
  const followed = { succeeded: false, progress: 0, silenceMs: 0 };
  let toldAt = performance.now();
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const now = performance.now();
    text += decoder.decode(chunk, { stream: true });
    const messages = text.split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) {
      if (message.includes('notifications/progress')) {
        followed.progress++;
        followed.silenceMs = Math.max(followed.silenceMs, now - toldAt);
        toldAt = now;
      }
      if (message.includes('"status":"succeeded"')) followed.succeeded = true;
    }
  }
  return followed;
}

async function inSession(origin: string, params: object): Promise<Response> {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const send = (message: object, more: Record<string, string> = {}): Promise<Response> =>
    fetch(`${origin}/mcp`, {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
  const opened = await send({
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '0' } },
  });
  await opened.text();
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
  await (await send({ method: 'notifications/initialized' }, session)).text();
  return send({ id: 1, method: 'tools/call', params }, session);
}

async function askForNothing({ origin }: ServerProcess, signal: AbortSignal): Promise<number[]> {
  const latencies: number[] = [];
  while (!signal.aborted) {
    const askedAt = performance.now();
    await callTool(origin, 'model_1', { argument_0: 'a chair' });
    latencies.push(performance.now() - askedAt);
    await pause(ASK_EVERY_MS);
  }
  return latencies;
}

async function askForJobs({ origin }: ServerProcess, signal: AbortSignal): Promise<number[]> {
  const latencies: number[] = [];
  let id: string | undefined;
  while (!signal.aborted) {
    const askedAt = performance.now();
    if (id === undefined) {
      [id] = /job_[0-9a-z]{26}/.exec(await callTool(origin, 'list_jobs', { limit: 1 })) ?? [];
    } else {
      await callTool(origin, 'get_job', { job_id: id });
      latencies.push(performance.now() - askedAt);
    }
    await pause(ASK_EVERY_MS);
  }
  return latencies;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await benchFollowers();
