import http from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { createFalClient } from '@fal-ai/client';
import { isRecord } from '../src/json.js';
import { silentLog } from '../src/log.js';
import { FalProvider } from '../src/providers/fal.js';

/**
 * One way of following fal jobs, in a process of its own; started by `follow.ts`. Prints one line of JSON: when
 * each job was seen to end (`process.hrtime`, comparable between processes), and what that took.
 */
interface Task {
  way: string;
  jobs: number;
  /** Time over which the jobs are submitted, milliseconds. */
  spreadMs: number;
  key: string;
  queue: string;
  rest: string;
}

/** Follows one job from submit to result; answers its id and the moment at which its end was known. */
type Way = (task: Task) => Promise<{ id: string; seen: bigint }>;

const ENDPOINT = 'fal-ai/pixal3d';
const INPUT = { image_url: 'https://example.com/dog.png' };
const now = process.hrtime.bigint.bind(process.hrtime);
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });

function ours(): Way {
  let provider: FalProvider | undefined;
  return async ({ key, queue, rest }) => {
    const context = {
      signal: new AbortController().signal,
      log: silentLog,
      readInput: () => Promise.reject(new Error('not used')),
      report: () => undefined,
    };
    provider ??= new FalProvider({
      key,
      queueUrl: queue,
      restUrl: rest,
      allowHosts: [],
    });
    const operation = await provider.submit({ jobId: '', model: ENDPOINT, body: INPUT }, context);
    await provider.follow(operation, context);
    const seen = now();
    await provider.result(operation, context);
    return { id: idOf(operation), seen };
  };
}

/** The official client as its documents show it, but for the host. */
const subscribe: Way = async ({ key, queue }) => {
  const client = createFalClient({
    credentials: key,
    requestMiddleware: (request) =>
      Promise.resolve({ ...request, url: request.url.replace('https://queue.fal.run', queue) }),
  });
  let seen = 0n;
  const { requestId } = await client.subscribe(ENDPOINT, {
    input: INPUT,
    onQueueUpdate: ({ status }) => {
      if (status === 'COMPLETED') seen = now();
    },
  });
  return { id: requestId, seen };
};

/** The least that hears the end of a job: no reconnect, no log, no error handling. */
const handwritten: Way = async ({ key, queue }) => {
  const submitted: unknown = JSON.parse(await ask(`${queue}/${ENDPOINT}`, key, INPUT));
  const url = isRecord(submitted) ? String(submitted['status_url']) : '';
  let seen = 0n;
  let text = '';
  await ask(`${url}/stream?logs=1`, key, undefined, (piece) => {
    text = (text + piece).slice(-4096);
    if (seen === 0n && text.includes('"COMPLETED"')) seen = now();
  });
  await ask(url.replace(/\/status$/, ''), key);
  return { id: idOf(submitted), seen };
};

const WAYS: Readonly<Record<string, Way>> = {
  'our stream': ours(),
  'our polls': ours(),
  'fal.subscribe': subscribe,
  'hand-written SSE': handwritten,
};

async function main(task: Task): Promise<void> {
  const way = WAYS[task.way];
  if (!way) throw new Error(`no way called ${task.way}`);
  // Everything is loaded and compiled before anything is measured, as in a server that has been at work.
  await Promise.all([way(task), way(task), way(task)]);
  process.stdout.write('warm\n');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  globalThis.gc?.();
  const idle = process.memoryUsage.rss();
  let peak = idle;
  const watching = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 250);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const cpu = process.cpuUsage();
  const ends = await Promise.all(
    Array.from({ length: task.jobs }, async (_, index) => {
      if (task.spreadMs > 0) await pause((index / task.jobs) * task.spreadMs);
      const { id, seen } = await way(task);
      return [id, String(seen)];
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  clearInterval(watching);
  const report = {
    ends,
    cpuMs: (user + system) / 1000,
    memoryMb: (peak - idle) / 2 ** 20,
    // The histogram's own sampling interval is part of every value.
    delayMs: delay.percentile(99) / 1e6 - 5,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}

function idOf(value: unknown): string {
  return isRecord(value) ? String(value['request_id']) : '';
}

function ask(url: string, key: string, body?: object, onPiece?: (piece: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Key ${key}`, 'content-type': 'application/json' };
    const call = http.request(url, { agent, method: body ? 'POST' : 'GET', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (onPiece ? onPiece(piece) : (text += piece)));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end(body && JSON.stringify(body));
  });
}

const task: Task = JSON.parse(process.argv[2] ?? '{}');
await main(task);
