import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';
import type { JsonObject } from '../src/json.js';
import { callTool, cpuMs, headersOf, requestOf, startMeshwright, startReference } from './http-servers.js';
import { load, type Loaded } from './load.js';
import { median, percentile, table } from './measure.js';

/**
 * Requests a second over HTTP, in the framing of 2026-07-28, beside a server on the SDK whose schemas are made once.
 * The servers take turns within a round, so that ratios survive a machine that is busy.
 */
const ROUNDS = 7;
const ROUND_MS = 2_000;
const CONNECTIONS = 8;

interface Subject {
  server: string;
  what: string;
  origin: string;
  pid: number;
  method: string;
  params: JsonObject;
  /** What every answer holds. */
  expected: string;
}

export async function benchHttp(): Promise<void> {
  const reference = await startReference();
  const ours = await startMeshwright({
    FAL_KEY: 'bench:bench',
    PIXAZO_API_KEY: 'bench',
    SCENARIO_SDK_API_KEY: 'bench',
    SCENARIO_SDK_API_SECRET: 'bench',
  });
  try {
    const job = await finishedJob(ours.origin);
    const call = (name: string, args: JsonObject): Pick<Subject, 'method' | 'params'> => ({
      method: 'tools/call',
      params: { name, arguments: args },
    });
    const list = { method: 'tools/list', params: {} };
    const subjects: Subject[] = [
      { server: 'SDK 2, hoisted zod', what: 'tools/list', ...reference, ...list, expected: 'model_14' },
      { server: 'meshwright', what: 'tools/list', ...ours, ...list, expected: 'tripo_multiview_to_3d' },
      {
        server: 'SDK 2, hoisted zod',
        what: 'tools/call',
        ...reference,
        ...call('model_1', { argument_0: 'a chair' }),
        expected: '"ok"',
      },
      {
        server: 'meshwright',
        what: 'tools/call',
        ...ours,
        ...call('get_job', { job_id: job }),
        expected: job,
      },
    ];
    await compare(subjects);
  } finally {
    await Promise.all([reference.stop(), ours.stop()]);
  }
}

async function compare(subjects: readonly Subject[]): Promise<void> {
  const rounds = new Map(subjects.map((subject) => [subject, Array<Loaded & { cpu: number }>()]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const subject of subjects) {
      const { method, params, origin, pid, expected } = subject;
      const name = typeof params['name'] === 'string' ? params['name'] : undefined;
      const headers = headersOf(method, name);
      const before = cpuMs(pid);
      const loaded = await load({
        origin,
        connections: CONNECTIONS,
        ms: ROUND_MS,
        headers,
        body: (id) => requestOf(id, method, params),
      });
      if (!loaded.sample.includes(expected))
        throw new Error(`${subject.server}: ${loaded.sample.slice(0, 500)}`);
      const cpu = (cpuMs(pid) - before) / loaded.requests;
      if (round >= 0) rounds.get(subject)?.push({ ...loaded, cpu });
    }
  }
  const rows = subjects.map((subject, i) => {
    const own = rounds.get(subject) ?? [];
    const base = rounds.get(subjects[i - (i % 2)] ?? subject) ?? [];
    const ratios = own.map(({ perSecond }, round) => perSecond / (base[round]?.perSecond ?? Number.NaN));
    return [
      subject.server,
      subject.what,
      median(own.map(({ perSecond }) => perSecond)),
      median(ratios),
      median(own.map(({ cpu }) => cpu)),
      median(own.map(({ latencies }) => percentile(latencies, 0.5))),
      median(own.map(({ latencies }) => percentile(latencies, 0.99))),
    ];
  });
  console.log(
    `\nOver HTTP, ${CONNECTIONS} connections, ${ROUNDS} rounds of ${ROUND_MS / 1000} s, medians (bar: 5 × the SDK server)`,
  );
  console.log(
    table(['server', 'request', 'a second', '× SDK server', 'CPU ms', 'median ms', 'p99 ms'], rows),
  );
}

/** The id of a job with a file, as an agent would ask for it. */
async function finishedJob(origin: string): Promise<string> {
  const picture = readFileSync(new URL('../examples/mushroom.png', import.meta.url)).toString('base64');
  const args = { image_url: `data:image/png;base64,${picture}`, target_triangles: 2000 };
  const answer = await callTool(origin, 'local_image_to_3d', args);
  const [id] = /job_[0-9a-z]{26}/.exec(answer) ?? [];
  if (id === undefined || !answer.includes('succeeded')) throw new Error(answer.slice(0, 500));
  return id;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await benchHttp();
