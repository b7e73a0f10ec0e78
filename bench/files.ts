import { createHash, randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { openStore } from '../src/store/index.js';
import { newId } from '../src/store/ids.js';
import {
  callTool,
  headersOf,
  PROBE,
  requestOf,
  type ServerProcess,
  stallsOf,
  startMeshwright,
  startReference,
} from './http-servers.js';
import { median, table } from './measure.js';
import { transfer, type Transfer } from './transfer.js';

/**
 * A GLB of 20 MB by its address, whole and in part, beside a bare `node:http` server that streams the same file, and
 * beside `resources/read` of the same asset; they take turns within a round. Then for how long our event loop is held
 * up at most while files go out, alone and while jobs generate.
 */
const MB = 2 ** 20;
const SIZE = 20 * MB;
const ROUNDS = 7;
const ROUND_MS = 1_500;
const STALL_MS = 4_000;
const RANGE = `bytes=${4 * MB}-${12 * MB - 1}`;
const JOBS = 2;

export async function benchFiles(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'meshwright-bench-files-'));
  const file = path.join(folder, 'model.glb');
  const bytes = randomFillSync(Buffer.alloc(SIZE));
  bytes.write('glTF');
  await writeFile(file, bytes);
  const id = newId('asset');
  const bare = await startReference('files.mjs', file);
  const ours = await startMeshwright({}, (data) => storeAsset(data, id, bytes), PROBE);
  try {
    const whole = {
      method: 'GET',
      path: `/assets/${id}/model.glb`,
      headers: {},
      connections: 4,
      least: SIZE,
    } as const;
    const part = { ...whole, headers: { range: RANGE }, least: 8 * MB };
    const uri = `meshwright://assets/${id}`;
    const blob = {
      method: 'POST',
      path: '/mcp',
      headers: headersOf('resources/read', uri),
      body: requestOf(1, 'resources/read', { uri }),
      connections: 2,
      least: (SIZE * 4) / 3,
    } as const;
    const subjects: [string, Omit<Transfer, 'ms'>][] = [
      ['node:http, whole', { origin: bare.origin, ...whole }],
      ['GET, whole', { origin: ours.origin, ...whole }],
      ['node:http, 8 MB of it', { origin: bare.origin, ...part }],
      ['GET, 8 MB of it', { origin: ours.origin, ...part }],
      ['resources/read', { origin: ours.origin, ...blob }],
    ];
    await compare(subjects);
    await holdUps(ours, { origin: ours.origin, ...whole }, { origin: ours.origin, ...blob });
  } finally {
    await Promise.all([bare.stop(), ours.stop()]);
    await rm(folder, { recursive: true });
  }
}

async function storeAsset(data: string, id: string, bytes: Buffer): Promise<void> {
  const store = openStore(data);
  const key = `${id}.glb`;
  await store.assets.put(key, bytes);
  await store.jobs.addAsset({
    id,
    key,
    principal: 'local',
    role: 'model',
    format: 'glb',
    mimeType: 'model/gltf-binary',
    name: 'model.glb',
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    createdAt: Date.now(),
  });
  await store.close();
}

async function compare(subjects: readonly [string, Omit<Transfer, 'ms'>][]): Promise<void> {
  const rates = subjects.map(() => Array<number>());
  for (let round = -1; round < ROUNDS; round++) {
    for (const [i, [, what]] of subjects.entries()) {
      const perSecond = await transfer({ ...what, ms: ROUND_MS });
      if (round >= 0) rates[i]?.push(perSecond);
    }
  }
  const ratio = (of: number, to: number): number =>
    median((rates[of] ?? []).map((rate, round) => rate / (rates[to]?.[round] ?? Number.NaN)));
  console.log(
    `\nA file of 20 MB over HTTP, ${ROUNDS} rounds of ${ROUND_MS / 1000} s, medians (bars: 0.8 × node:http, 6 × resources/read)`,
  );
  const ratios = [
    ['', ''],
    [ratio(1, 0), ratio(1, 4)],
    ['', ''],
    [ratio(3, 2), ''],
    ['', ''],
  ];
  console.log(
    table(
      ['what', 'a second', '× node:http', '× resources/read'],
      subjects.map(([name], i) => [name, median(rates[i] ?? []), ...(ratios[i] ?? [])]),
    ),
  );
}

async function holdUps(
  server: ServerProcess,
  file: Omit<Transfer, 'ms'>,
  blob: Omit<Transfer, 'ms'>,
): Promise<void> {
  const picture = readFileSync(new URL('../examples/mushroom.png', import.meta.url)).toString('base64');
  const args = { image_url: `data:image/png;base64,${picture}`, force_new: true };
  const generate = async (): Promise<void> => {
    const done = await Promise.all(
      Array.from({ length: JOBS }, () => callTool(server.origin, 'local_image_to_3d', args)),
    );
    for (const answer of done) if (!answer.includes('succeeded')) throw new Error(answer.slice(0, 500));
  };
  // What is loaded on first use is loaded now.
  await generate();
  const phases: [string, () => Promise<unknown>][] = [
    ['idle', () => new Promise((resolve) => setTimeout(resolve, STALL_MS / 2))],
    ['files go out', () => transfer({ ...file, ms: STALL_MS })],
    [`${JOBS} jobs generate`, generate],
    [
      `files go out and ${JOBS} jobs generate`,
      () => Promise.all([transfer({ ...file, ms: STALL_MS }), generate()]),
    ],
    ['resources/read of the same', () => transfer({ ...blob, ms: STALL_MS / 2 })],
  ];
  const rows: [string, number, number][] = [];
  for (const [name, work] of phases) {
    await stallsOf(server);
    await work();
    const { ms, workMs } = await stallsOf(server);
    rows.push([name, ms, workMs]);
  }
  console.log(
    '\nLongest hold-up of the event loop (bar: 25 ms while files go out), by the clock and in work of its own thread; the rest it waited for a processor',
  );
  console.log(table(['while', 'clock ms', 'work ms'], rows));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await benchFiles();
