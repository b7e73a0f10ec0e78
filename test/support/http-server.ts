import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { isRecord } from '../../src/json.js';
import { CLI } from './clients.js';

/** A server process of the built program. */
export interface HttpProcess {
  /** Without a path. */
  origin: string;
  pid: number;
  /** What it logged so far, a line of JSON each. */
  log: string[];
  /** SIGTERM unless another signal is named; resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `meshwright http` on a free port. */
export async function startHttpProcess(
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<HttpProcess> {
  const child = spawn(process.execPath, [CLI, 'http', '--port', '0', ...args], {
    env: { ...env, MESHWRIGHT_LOG: env['MESHWRIGHT_LOG'] === 'debug' ? 'debug' : 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const log: string[] = [];
  const exited = once(child, 'exit');
  const origin = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      const url = urlIn(line);
      if (url !== undefined) resolve(new URL(url).origin);
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${log.join('\n')}`)));
  });
  return {
    origin,
    pid: child.pid ?? 0,
    log,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const [code] = await exited;
      return typeof code === 'number' ? code : null;
    },
  };
}

function urlIn(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (isRecord(entry) && entry['message'] === 'listening') return String(entry['url']);
  } catch {
    // Not a line of the log.
  }
  return undefined;
}

/** A port that is free now, for a server that has to know its own address; the system gives none of them by itself. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => {
      probe.close(resolve);
    });
    return port;
  }
}
