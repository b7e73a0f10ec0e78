/**
 * How fast a file comes in, and what memory that takes: `download()` beside the two ways that a reader would
 * compare it with, in the same run, over loopback, from a server in another process.
 *
 *     npx tsx bench/download.ts [--mb 20] [--rounds 15]
 *
 * `ratio` is the median over the rounds of the speed against the batched `node:http` reference of the same round.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { download } from '../src/providers/download.js';
import { createFetcher } from '../src/providers/fetch.js';

const MB = 1 << 20;
const here = fileURLToPath(import.meta.url);
const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '15' },
    serve: { type: 'boolean', default: false },
    memory: { type: 'string' },
    url: { type: 'string', default: '' },
  },
});

type Way = (url: string, file: string) => Promise<unknown>;

const agent = new http.Agent({ keepAlive: true });
const get = (url: string): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    http.get(url, { agent }, resolve).on('error', reject);
  });
const fetcher = createFetcher({ allowHosts: ['127.0.0.1'] });

const WAYS: Readonly<Record<string, Way>> = {
  // The reference: batches of a megabyte by writev, the hash on the way, no checks at all.
  'node:http, batched': async (url, file) => {
    const handle = await open(file, 'w');
    const hash = createHash('sha256');
    let batch: Buffer[] = [];
    let size = 0;
    let writing: Promise<unknown> = Promise.resolve();
    const flush = async (): Promise<void> => {
      const full = batch;
      batch = [];
      size = 0;
      await writing;
      writing = handle.writev(full);
    };
    for await (const chunk of await get(url)) {
      const bytes: Buffer = chunk;
      hash.update(bytes);
      batch.push(bytes);
      size += bytes.length;
      if (size >= MB) await flush();
    }
    if (size > 0) await flush();
    await writing;
    hash.digest('hex');
    await handle.close();
  },
  'fetch, pipeline': async (url, file) => {
    const { body } = await fetch(url);
    if (!body) throw new Error('no body');
    const hash = createHash('sha256');
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(body), hashing, createWriteStream(file, { highWaterMark: 1 << 18 }));
    hash.digest('hex');
  },
  'download()': (url, file) => download(fetcher, url, file, { maxBytes: 1024 * MB }),
};

if (values.serve) serve(Number(values.mb) * MB);
else if (values.memory !== undefined) await measureMemory(values.memory, values.url);
else await main(Number(values.mb), Number(values.rounds));

function serve(size: number): void {
  const bytes = randomFillSync(Buffer.alloc(size));
  const server = http.createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'model/gltf-binary', 'content-length': size });
    response.end(bytes);
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.stdout.write(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/model.glb\n`);
  });
}

/** Runs `work` with a server of `mb` megabytes in another process. */
async function withServer<T>(mb: number, work: (url: string) => Promise<T>): Promise<T> {
  const server = spawn(process.execPath, [...process.execArgv, here, '--serve', '--mb', String(mb)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await new Promise<string>((resolve) => {
      server.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()));
    });
    return await work(url);
  } finally {
    server.kill();
  }
}

/** Four at once, three times, in this fresh process; prints the peak over the start in megabytes. */
async function measureMemory(name: string, url: string): Promise<void> {
  const way = WAYS[name];
  if (!way) throw new Error(`no way called ${name}`);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-download-'));
  const start = process.memoryUsage.rss();
  let peak = start;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 5);
  for (let round = 0; round < 3; round++) {
    await Promise.all([0, 1, 2, 3].map((index) => way(url, path.join(folder, String(index)))));
  }
  clearInterval(timer);
  await rm(folder, { recursive: true });
  process.stdout.write(String((Math.max(peak, process.memoryUsage.rss()) - start) / MB), () =>
    process.exit(0),
  );
}

async function main(mb: number, rounds: number): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-download-'));
  const names = Object.keys(WAYS);
  const times = new Map<string, number[]>(names.map((name) => [name, []]));
  await withServer(mb, async (url) => {
    for (let round = -2; round < rounds; round++) {
      for (const [name, way] of Object.entries(WAYS)) {
        const start = performance.now();
        await way(url, path.join(folder, 'file'));
        if (round >= 0) times.get(name)?.push(performance.now() - start);
      }
    }
  });
  await rm(folder, { recursive: true });

  const reference = times.get(names[0] ?? '') ?? [];
  print(`${mb} MB, ${rounds} rounds; added memory with 4 at once`);
  print('way                    MB/s   ratio   20 MB files   200 MB files');
  for (const name of names) {
    const own = times.get(name) ?? [];
    const ratio = median(own.map((time, round) => (reference[round] ?? 0) / time));
    const small = await withServer(20, (url) => memoryOf(name, url));
    const large = await withServer(200, (url) => memoryOf(name, url));
    print(
      `${name.padEnd(20)} ${(mb / (median(own) / 1000)).toFixed(0).padStart(6)} ${ratio.toFixed(2).padStart(7)}` +
        `${`${small.toFixed(0)} MB`.padStart(14)}${`${large.toFixed(0)} MB`.padStart(15)}`,
    );
  }
  process.exit(0);
}

async function memoryOf(name: string, url: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    here,
    '--memory',
    name,
    '--url',
    url,
  ]);
  return Number(stdout);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
