import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { isRecord } from '../src/json.js';
import { memoryMb, percentile, table } from './measure.js';

/**
 * How long the server keeps others waiting while it generates and renders: a client pings it every 5 ms; an answer
 * that is late by more than the floor (the same pings at an idle server) is a blocked event loop.
 */
export async function benchLoop(): Promise<void> {
  const data = await mkdtemp(path.join(tmpdir(), 'meshwright-bench-'));
  const child = spawn(process.execPath, [fileURLToPath(new URL('../dist/cli.js', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      MESHWRIGHT_DATA_DIR: data,
      MESHWRIGHT_LOG: 'error',
    },
  });
  const waiting = new Map<number, (message: Record<string, unknown>) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message: unknown = JSON.parse(line);
    if (isRecord(message) && typeof message['id'] === 'number') waiting.get(message['id'])?.(message);
  });
  let ids = 0;
  const call = (method: string, params: object): Promise<Record<string, unknown>> =>
    new Promise((resolve) => {
      const id = ++ids;
      waiting.set(id, resolve);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  await call('initialize', {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'bench', version: '0' },
  });

  async function during(work: () => Promise<unknown>): Promise<number[]> {
    const delays: number[] = [];
    const done = new AbortController();
    const pinging = (async () => {
      while (!done.signal.aborted) {
        const sent = performance.now();
        await call('ping', {});
        delays.push(performance.now() - sent);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await work();
    done.abort();
    await pinging;
    return delays;
  }
  const tool = (name: string, args: object): Promise<Record<string, unknown>> =>
    call('tools/call', { name, arguments: args });
  const image = `data:image/png;base64,${readFileSync(fileURLToPath(new URL('../examples/mushroom.png', import.meta.url))).toString('base64')}`;

  await tool('list_jobs', {});
  const idle = await during(() => new Promise((resolve) => setTimeout(resolve, 1500)));
  let assetId = '';
  const generating = await during(async () => {
    const answer = await tool('local_image_to_3d', { image_url: image });
    assetId = /asset_[0-9a-z]{26}/.exec(JSON.stringify(answer))?.[0] ?? '';
  });
  const viewing = await during(() => tool('view_asset', { asset_id: assetId }));
  const peak = child.pid === undefined ? Number.NaN : memoryMb(child.pid, 'VmHWM');
  child.stdin.end();
  await new Promise((resolve) => child.once('exit', resolve));
  await rm(data, { recursive: true, force: true });
  console.log(
    `\nAnswer to a ping while the server works (bar: never over 50 ms); peak RSS ${peak.toFixed(0)} MB`,
  );
  console.log(
    table(
      ['while', 'pings', 'median ms', 'p99 ms', 'max ms'],
      Object.entries({ idle, generating, viewing }).map(([name, delays]) => [
        name,
        String(delays.length),
        percentile(delays, 0.5),
        percentile(delays, 0.99),
        Math.max(...delays),
      ]),
    ),
  );
}
