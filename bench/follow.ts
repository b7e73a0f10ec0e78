import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { median, percentile, table } from './measure.js';

/**
 * How soon the end of a fal job is known, and what the waiting costs: our follower beside `fal.subscribe` as it is
 * and a hand-written reader of the status stream, against the emulator in another process. Loopback only: TLS and
 * real round trips come on top, alike for all.
 */
export async function benchFollow(): Promise<void> {
  await detection('Streams: 30 jobs of 3 to 8 s at once, three times', {
    ways: ['hand-written SSE', 'our stream', 'fal.subscribe'],
    rounds: 3,
    jobs: 30,
    lengthMs: [3_000, 8_000],
    streaming: true,
  });
  await detection('Polls: 60 jobs of 60 to 120 s at once', {
    ways: ['fal.subscribe', 'our polls'],
    rounds: 1,
    jobs: 60,
    lengthMs: [60_000, 120_000],
    streaming: false,
  });
  await load('A thousand jobs of 15 s, submitted within 5 s', [
    'hand-written SSE',
    'our stream',
    'fal.subscribe',
  ]);
}

interface Plan {
  ways: readonly string[];
  rounds: number;
  jobs: number;
  /** From and to. */
  lengthMs: readonly [number, number];
  streaming: boolean;
}

/** When ends are seen, way by way; `requests` counts those of a job from submit to result. */
async function detection(
  title: string,
  { ways, rounds, jobs, lengthMs: [from, to], streaming }: Plan,
): Promise<void> {
  const late = new Map<string, number[]>(ways.map((way) => [way, []]));
  const requests = new Map<string, number[]>(ways.map((way) => [way, []]));
  const lengths = Array.from({ length: jobs }, (_, i) => from + ((to - from) * i) / jobs);
  const measure = async (way: string): Promise<void> => {
    await withEmulator(['--job-ms', '200'], async (emulator) => {
      await emulator.post('/settings', { streaming });
      const run = await emulator.run(way, jobs, 0, async () => {
        for (const [index, runMs] of lengths.entries()) {
          const action = { type: 'job', queueMs: 0, runMs: Math.round(runMs) };
          await emulator.post('/faults', { match: { op: 'submit' }, nth: index + 1, action });
        }
      });
      late.get(way)?.push(...run.lateMs);
      requests.get(way)?.push(run.requests);
    });
  };
  for (let round = 0; round < rounds; round++) {
    // Long jobs leave the processor idle, so all ways wait for them at the same time.
    if (streaming) for (const way of ways) await measure(way);
    else await Promise.all(ways.map(measure));
  }
  const [first = ''] = ways;
  const base = median(requests.get(first) ?? []);
  const rows = ways.map((way) => {
    const own = late.get(way) ?? [];
    const perJob = median(requests.get(way) ?? []);
    return [way, median(own), percentile(own, 0.9), percentile(own, 1), perJob, perJob / base];
  });
  print(
    `${title}\n${table(['way', 'late ms: median', 'p90', 'most', 'requests/job', `x ${first}`], rows)}\n`,
  );
}

/** What many jobs at once cost the process that follows them. */
async function load(title: string, ways: readonly string[]): Promise<void> {
  const jobs = 1_000;
  const rows: (string | number)[][] = [];
  for (const way of ways) {
    await withEmulator(['--job-ms', '15000'], async (emulator) => {
      const run = await emulator.run(way, jobs, 5_000);
      const cpu = run.cpuMs / jobs;
      const first = rows[0]?.[2];
      rows.push([
        way,
        jobs - run.lateMs.length,
        cpu,
        typeof first === 'number' ? cpu / first : 1,
        run.memoryMb / jobs,
        run.delayMs,
        median(run.lateMs),
        run.requests,
      ]);
    });
  }
  const header = [
    'way',
    'lost',
    'CPU ms/job',
    `x ${ways[0]}`,
    'MB/job',
    'loop p99 ms',
    'late ms: median',
    'requests/job',
  ];
  print(`${title}\n${table(header, rows)}\n`);
}

const startSchema = z.object({
  urls: z.object({ queue: z.string(), rest: z.string(), control: z.string() }),
  environment: z.object({ FAL_KEY: z.string() }),
});
const reportSchema = z.object({
  ends: z.array(z.tuple([z.string(), z.string()])),
  cpuMs: z.number(),
  memoryMb: z.number(),
  delayMs: z.number(),
});
const jobsSchema = z.array(z.object({ request_id: z.string(), done_ns: z.string().nullable() }));
const countsSchema = z.object({ requests: z.record(z.string(), z.number()) });

interface Run {
  /** From the end of each job to the moment at which the client knew. */
  lateMs: number[];
  requests: number;
  cpuMs: number;
  memoryMb: number;
  delayMs: number;
}

interface Emulator {
  post(path: string, body: object): Promise<void>;
  run(way: string, jobs: number, spreadMs: number, prepare?: () => Promise<void>): Promise<Run>;
}

async function withEmulator(
  options: readonly string[],
  work: (emulator: Emulator) => Promise<void>,
): Promise<void> {
  const main = fileURLToPath(new URL('../test/emulator/main.ts', import.meta.url));
  const child = start([main, 'fal', '--journal-limit', '0', ...options]);
  try {
    const { urls, environment } = startSchema.parse(JSON.parse(await child.line()));
    const get = async (path: string): Promise<unknown> => (await fetch(urls.control + path)).json();
    const send = async (method: string, path: string, body: object = {}): Promise<void> => {
      const response = await fetch(urls.control + path, { method, body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    };
    const run = async (
      way: string,
      jobs: number,
      spreadMs: number,
      prepare?: () => Promise<void>,
    ): Promise<Run> => {
      const task = { way, jobs, spreadMs, key: environment.FAL_KEY, queue: urls.queue, rest: urls.rest };
      const client = start([
        fileURLToPath(new URL('follow-client.ts', import.meta.url)),
        JSON.stringify(task),
      ]);
      try {
        await client.line();
        await send('DELETE', '/journal');
        await prepare?.();
        client.process.stdin?.write('go\n');
        const report = reportSchema.parse(JSON.parse(await client.line()));
        const done = new Map(
          jobsSchema.parse(await get('/jobs')).map((job) => [job.request_id, job.done_ns]),
        );
        const { requests } = countsSchema.parse(await get('/counts'));
        const lateMs = report.ends.flatMap(([id, seen]) => {
          const end = done.get(id);
          return end === undefined || end === null ? [] : [Number(BigInt(seen) - BigInt(end)) / 1e6];
        });
        const total = Object.values(requests).reduce((sum, count) => sum + count, 0);
        return { ...report, lateMs, requests: total / jobs };
      } finally {
        client.process.kill();
      }
    };
    await work({ post: (path, body) => send('POST', path, body), run });
  } finally {
    child.process.kill();
  }
}

/** A TypeScript file as a process, and its lines. */
function start(args: readonly string[]): { process: ChildProcess; line: () => Promise<string> } {
  const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${args[0]} ended without an answer`);
      return value;
    },
  };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await benchFollow();
