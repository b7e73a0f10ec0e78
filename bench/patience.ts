import { pathToFileURL } from 'node:url';
import { CLIENT_KINDS, connectHttp, type TestClient } from '../test/support/clients.js';
import { startEmulator, startMeshwright } from './http-servers.js';
import { table } from './measure.js';

/**
 * Calls that take longer than the five minutes after which Node's own clients give up on a silent answer, by every
 * generation of client, without a progress token: nothing but the server's signs of life keeps them open.
 */
const JOB_MS = 330_000;

export async function benchPatience(): Promise<void> {
  const emulator = await startEmulator(JOB_MS);
  const server = await startMeshwright(emulator.environment);
  try {
    const rows = await Promise.all(
      CLIENT_KINDS.map(async (kind, i) => {
        const client = await connectHttp(kind, `${server.origin}/mcp`);
        const startedAt = performance.now();
        const outcome = await call(client, i).catch((error: unknown) => String(error));
        const seconds = (performance.now() - startedAt) / 1000;
        await client.close();
        return [kind, outcome, seconds];
      }),
    );
    console.log(`\nOver HTTP, a call of ${JOB_MS / 1000} s without progress (bar: all succeeded)`);
    console.log(table(['client', 'answer', 'after s'], rows));
  } finally {
    await server.stop();
    emulator.stop();
  }
}

async function call(client: TestClient, index: number): Promise<string> {
  const args = { image_url: `https://example.com/${index}.png`, wait_seconds: 600 };
  const { structured, text } = await client.call('triposr', args, { timeout: 2 * JOB_MS });
  return typeof structured?.['status'] === 'string' ? structured['status'] : text.slice(0, 200);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await benchPatience();
