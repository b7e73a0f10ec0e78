import { spawn } from 'node:child_process';
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

/** The built program, with a data folder of its own. */
export async function startMeshwright(env: Record<string, string> = {}): Promise<ServerProcess> {
  const data = await mkdtemp(path.join(tmpdir(), 'meshwright-bench-'));
  const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
  const server = await start([cli, 'http', '--port', '0'], { MESHWRIGHT_DATA_DIR: data, ...env });
  return {
    ...server,
    stop: async () => {
      await server.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

export function startReference(): Promise<ServerProcess> {
  return start([fileURLToPath(new URL('./refs/http.mjs', import.meta.url))], {});
}

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
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const origin = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
        if (found !== undefined) resolve(found);
        else if (line.includes('"error"')) process.stderr.write(`${line}\n`);
      });
    }
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${String(code)}`)));
  });
  return {
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
