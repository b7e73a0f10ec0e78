import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { JsonObject } from '../src/json.js';

/** Servers over HTTP as processes, and requests to them in the framing of 2026-07-28. */

export interface ServerProcess {
  origin: string;
  pid: number;
  child: ChildProcess;
  stop(): Promise<void>;
}

const REVISION = '2026-07-28';

export function headersOf(method: string, name?: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': REVISION,
    'mcp-method': method,
    ...(name === undefined ? {} : { 'mcp-name': name }),
  };
}

export function requestOf(id: number, method: string, params: JsonObject, meta: JsonObject = {}): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    method,
    params: {
      ...params,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': REVISION,
        'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '0' },
        'io.modelcontextprotocol/clientCapabilities': {},
        ...meta,
      },
    },
  });
}

/** The structured answer of a tool that answers at once. */
export async function callTool(origin: string, name: string, args: JsonObject): Promise<string> {
  const response = await fetch(`${origin}/mcp`, {
    method: 'POST',
    headers: headersOf('tools/call', name),
    body: requestOf(1, 'tools/call', { name, arguments: args }),
  });
  return response.text();
}

/**
 * The built program, with a data folder of its own.
 *
 * @param fill what is in the folder before it starts
 * @param nodeArgs for Node itself
 */
export async function startMeshwright(
  env: Record<string, string> = {},
  fill: (data: string) => Promise<void> = () => Promise.resolve(),
  nodeArgs: readonly string[] = [],
): Promise<ServerProcess> {
  const data = await mkdtemp(path.join(tmpdir(), 'meshwright-bench-'));
  await fill(data);
  const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
  const args = [...nodeArgs, cli, 'http', '--port', '0'];
  const server = await start(args, { MESHWRIGHT_DATA_DIR: data, ...env });
  return {
    ...server,
    stop: async () => {
      await server.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** A server of `bench/refs`. */
export function startReference(file = 'http.mjs', ...args: string[]): Promise<ServerProcess> {
  return start([fileURLToPath(new URL(`./refs/${file}`, import.meta.url)), ...args], {});
}

/** For how long an event loop was held up at most, milliseconds. */
export interface Stalls {
  /** By the clock. */
  ms: number;
  /** What its thread worked meanwhile; `NaN` where there is no /proc. */
  workMs: number;
}

const stallsSchema = z.object({ ms: z.number(), workMs: z.number().nullable() });

/** Asks a server that was started with `PROBE` for the longest since it was asked last. */
export async function stallsOf({ child }: ServerProcess): Promise<Stalls> {
  child.send('stalls');
  const [message] = await once(child, 'message');
  const { ms, workMs } = stallsSchema.parse(message);
  return { ms, workMs: workMs ?? Number.NaN };
}

export const PROBE: readonly string[] = ['--import', new URL('./refs/stalls.mjs', import.meta.url).href];

/** CPU time of a process so far, milliseconds; `NaN` where there is no /proc. */
export function cpuMs(pid: number): number {
  try {
    const [, ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const [user = Number.NaN, system = Number.NaN] = (fields[0] ?? '').split(' ').slice(11, 13).map(Number);
    // A tick is a hundredth of a second wherever Node runs on Linux.
    return (user + system) * 10;
  } catch {
    return Number.NaN;
  }
}

async function start(args: readonly string[], env: Record<string, string>): Promise<ServerProcess> {
  const child = spawn(process.execPath, [...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const origin = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
        if (found !== undefined) resolve(found);
        else if (line.includes('"error"')) process.stderr.write(`${line}\n`);
      });
    }
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${String(code)}`)));
  });
  return {
    child,
    origin,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill();
      await exited;
    },
  };
}

const startSchema = z.object({ environment: z.record(z.string(), z.string()) });

/** The fal emulator, whose jobs take this long. */
export async function startEmulator(
  jobMs: number,
): Promise<{ environment: Record<string, string>; stop: () => void }> {
  const main = fileURLToPath(new URL('../test/emulator/main.ts', import.meta.url));
  const args = ['--import', 'tsx', main, 'fal', '--job-ms', String(jobMs), '--journal-limit', '0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { environment } = startSchema.parse(JSON.parse(String(line)));
  return { environment, stop: () => void child.kill() };
}
