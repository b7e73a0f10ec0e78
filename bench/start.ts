import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median, memoryMb, table } from './measure.js';

/**
 * From spawning the process to the answer of `tools/list`, beside a server on the SDK as its examples build one and
 * beside a process that loads nothing. The servers take turns, so that ratios survive a machine that is busy.
 *
 * Further references: `--ref NAME=FILE`.
 */
const ROUNDS = 15;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

async function once(
  file: string,
  env: NodeJS.ProcessEnv,
): Promise<{ initializeMs: number; listMs: number; rssMb: number }> {
  const started = performance.now();
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'ignore'], env });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const send = (message: object): boolean =>
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  send({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '0' } },
  });
  await answers.next();
  const initializeMs = performance.now() - started;
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/list', params: {} });
  const { value } = await answers.next();
  const listMs = performance.now() - started;
  if (typeof value !== 'string' || !value.includes('"tools"'))
    throw new Error(`${file} did not list its tools`);
  const rssMb = child.pid === undefined ? Number.NaN : memoryMb(child.pid, 'VmRSS');
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.stdin.end();
  await Promise.race([gone, pause(3000).then(() => child.kill('SIGKILL'))]);
  await gone;
  return { initializeMs, listMs, rssMb };
}

export async function benchStart(): Promise<void> {
  const extra = process.argv.flatMap((text, i) => (text === '--ref' ? [process.argv[i + 1] ?? ''] : []));
  const servers = new Map<string, string>([
    ['bare node', here('./refs/bare.mjs')],
    ['SDK 2 as in its examples', here('./refs/sdk.mjs')],
    ...extra.map((text): [string, string] => [
      text.split('=')[0] ?? text,
      path.resolve(text.split('=')[1] ?? text),
    ]),
    ['meshwright', here('../dist/cli.js')],
  ]);
  const data = await mkdtemp(path.join(tmpdir(), 'meshwright-bench-'));
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    MESHWRIGHT_DATA_DIR: data,
    MESHWRIGHT_LOG: 'error',
  };
  const runs = new Map(
    [...servers.keys()].map((name) => [
      name,
      { initialize: Array<number>(), list: Array<number>(), rss: Array<number>() },
    ]),
  );
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, file] of servers) {
      const { initializeMs, listMs, rssMb } = await once(file, env);
      if (round < 0) continue;
      const run = runs.get(name);
      run?.initialize.push(initializeMs);
      run?.list.push(listMs);
      run?.rss.push(rssMb);
    }
  }
  await rm(data, { recursive: true, force: true });
  const reference = [...runs.values()][extra.length > 0 ? 2 : 1]?.list ?? [];
  console.log(`\nStart to tools/list, ${ROUNDS} rounds, medians (bar: at most 0.8 × the SDK server)`);
  console.log(
    table(
      ['server', 'initialize ms', 'tools/list ms', '× SDK server', 'RSS MB'],
      [...runs].map(([name, { initialize, list, rss }]) => [
        name,
        median(initialize),
        median(list),
        median(list.map((value, i) => value / (reference[i] ?? Number.NaN))),
        median(rss),
      ]),
    ),
  );
}
