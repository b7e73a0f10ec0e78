import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectSocket, type Socket } from 'node:net';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject, isRecord } from '../../src/json.js';
import { CLI, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { type HttpProcess, startHttpProcess } from '../support/http-server.js';
import { ballPng, dataUri } from '../support/images.js';
import { callAndResume, openSession } from '../support/session.js';
import { callTool, modern } from '../support/modern.js';

let folder: string;
let server: HttpProcess;

beforeAll(async () => {
  folder = await temporaryFolder();
  server = await startHttpProcess(serverEnv(path.join(folder, 'data')));
});
afterAll(async () => {
  await server.stop();
  await removeFolder(folder);
});

const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.origin}/mcp`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
  });

const refusals = (): number => server.log.filter((line) => line.includes('a request was refused')).length;

/** Headers that `fetch` does not let a caller set. */
function raw(
  headers: Record<string, string>,
  target = '/healthz',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(`${server.origin}${target}`, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    call.on('error', reject).end();
  });
}

describe('who may come in', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1'])(
    'is nobody from outside when bound to %s without principals',
    async (host) => {
      const child = spawn(process.execPath, [CLI, 'http', '--host', host, '--port', '0'], {
        env: serverEnv(path.join(folder, 'outside')),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let told = '';
      child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
      const [code] = await once(child, 'exit');
      expect(code).toBe(2);
      expect(told).toMatch(/meshwright token add NAME.*MESHWRIGHT_TOKENS/);
    },
  );

  it.each<[string, Record<string, string>, string[], RegExp]>([
    [
      'as what MESHWRIGHT_PUBLIC_URL says without principals',
      { MESHWRIGHT_PUBLIC_URL: 'https://mesh.example' },
      [],
      /https:\/\/mesh\.example.*paid work for everybody.*meshwright token add NAME.*MESHWRIGHT_TOKENS/,
    ],
    [
      'when MESHWRIGHT_TOKENS is set but empty',
      { MESHWRIGHT_TOKENS: ' ' },
      [],
      /MESHWRIGHT_TOKENS is set but empty/,
    ],
    ['when --tokens is empty', {}, ['--tokens', ''], /MESHWRIGHT_TOKENS is set but empty/],
    [
      'with a token file that names nobody',
      { MESHWRIGHT_TOKENS: 'NOBODY' },
      ['--host', '0.0.0.0'],
      /names no principals/,
    ],
  ])('is nobody from outside %s', async (_when, settings, args, why) => {
    const nobody = path.join(folder, 'nobody.json');
    await writeFile(nobody, '{"principals":[]}');
    const named = settings['MESHWRIGHT_TOKENS'] === 'NOBODY' ? { MESHWRIGHT_TOKENS: nobody } : settings;
    const starting = startHttpProcess(serverEnv(path.join(folder, 'outside'), named), args);
    await expect(starting).rejects.toThrow(why);
  });

  it('is not a page of another site, by any name that leads here', async () => {
    const before = refusals();
    const rebound = await raw({ host: 'evil.example' });
    expect([rebound.status, rebound.text]).toEqual([403, expect.stringContaining('not called evil.example')]);
    const page = await raw({ origin: 'https://evil.example' });
    expect([page.status, page.text]).toEqual([403, expect.stringContaining('MESHWRIGHT_ALLOW_ORIGINS')]);
    const nowhere = await raw({ origin: 'null' });
    expect([nowhere.status, nowhere.text]).toEqual([403, expect.stringContaining('Pages without an origin')]);
    expect(nowhere.text).not.toContain('MESHWRIGHT_ALLOW_ORIGINS');
    expect((await raw({ host: `127.0.0.1:${new URL(server.origin).port}` })).status).toBe(200);
    await expect.poll(() => refusals() - before).toBe(3);
  });

  it('is a page of this machine, which may read what the protocol needs', async () => {
    const origin = 'http://localhost:6274';
    const preflight = await fetch(`${server.origin}/mcp`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(
      /Authorization.*Last-Event-ID.*Mcp-Session-Id.*MCP-Protocol-Version.*Mcp-Method.*Mcp-Name/,
    );
    const answer = await fetch(`${server.origin}/healthz`, { headers: { origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/Mcp-Session-Id.*WWW-Authenticate/);
  });
});

describe('a bad request', () => {
  it.each([
    ['text', 'hello', { 'content-type': 'text/plain' }, 415, /application\/json/],
    ['a compressed body', '{}', { 'content-encoding': 'gzip' }, 415, /Content-Encoding/],
    ['broken JSON', '{"jsonrpc":', {}, 400, /no JSON/],
    ['nothing', '', {}, 400, /no JSON/],
    ['no JSON-RPC', '{"hello":1}', {}, 400, /./],
    [
      'an unknown session',
      '{"jsonrpc":"2.0","id":1,"method":"ping"}',
      { 'mcp-session-id': 'nobody' },
      404,
      /initialize/,
    ],
    ['no session', '{"jsonrpc":"2.0","id":1,"method":"ping"}', {}, 400, /initialize/],
    [
      'a revision that does not exist',
      '{"jsonrpc":"2.0","id":1,"method":"ping"}',
      { 'mcp-protocol-version': '1999-01-01' },
      400,
      /./,
    ],
  ])('with %s is refused', async (_what, body, headers, status, why) => {
    const response = await post(body, headers);
    expect([response.status, await response.text()]).toEqual([status, expect.stringMatching(why)]);
  });

  it.each([
    ['GET', '/mcp', 405],
    ['DELETE', '/mcp', 405],
    ['PUT', '/mcp', 405],
    ['GET', '/', 404],
    ['GET', '/assets/../jobs.db', 404],
    ['GET', '/assets/asset_00000000000000000000000000/%2e%2e%2fjobs.db', 404],
    ['POST', '/healthz', 405],
  ])('%s %s is answered with %d', async (method, target, status) => {
    const response = await fetch(`${server.origin}${target}`, { method });
    expect(response.status).toBe(status);
    if (status === 405) expect(response.headers.get('allow')).toMatch(/POST|GET/);
  });

  it('that is too long is refused before it has arrived, whether it says so or not', async () => {
    const told = await new Promise<number>((resolve, reject) => {
      const call = request(
        `${server.origin}/mcp`,
        { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': 33 * 1024 ** 2 } },
        (response) => resolve(response.statusCode ?? 0),
      );
      call.on('error', reject);
      call.write('{');
    });
    expect(told).toBe(413);
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const untold = await new Promise<number>((resolve) => {
      const call = request(
        `${server.origin}/mcp`,
        { method: 'POST', headers: { 'content-type': 'application/json' } },
        (response) => {
          resolve(response.statusCode ?? 0);
          call.destroy();
        },
      );
      // The server closes while we still write.
      call.on('error', () => undefined);
      for (let i = 0; i < 40; i++) call.write(chunk);
    });
    expect(untold).toBe(413);
  });

  it('may hold an image of many megabytes', async () => {
    const image = `data:image/png;base64,${'A'.repeat(20 * 1024 ** 2)}`;
    const { status, message } = await modern(server.origin, 'tools/call', {
      name: 'local_image_to_3d',
      arguments: { image_url: image },
    });
    expect(status).toBe(200);
    expect(message['result']).toMatchObject({ isError: true });
  });
});

describe('hundreds of connections that say nothing', () => {
  it('do not keep the others out', async () => {
    const { hostname, port } = new URL(server.origin);
    const sockets = await Promise.all(
      Array.from(
        { length: 300 },
        (_, i) =>
          new Promise<Socket>((resolve, reject) => {
            const socket = connectSocket(Number(port), hostname, () => {
              if (i % 3 === 1) socket.write('POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n');
              if (i % 3 === 2) {
                socket.write(
                  'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
                );
              }
              resolve(socket);
            });
            socket.on('error', reject);
          }),
      ),
    );
    const { status } = await modern(server.origin, 'tools/list');
    expect(status).toBe(200);
    for (const socket of sockets) socket.on('error', () => undefined).destroy();
  });
});

describe('a connection that breaks in the middle of a call', () => {
  const args = { target_triangles: 4000 };

  it('gets its answer when it comes back, in a revision with sessions', async () => {
    const session = await openSession(server.origin, '2025-06-18');
    const done = await post('{"jsonrpc":"2.0","method":"notifications/initialized"}', session);
    expect(done.status).toBe(202);
    const resumed = await callAndResume(server.origin, session, 7, {
      name: 'local_image_to_3d',
      arguments: { image_url: dataUri(await ballPng(11)), ...args },
    });
    let rest = '';
    for await (const chunk of resumed.body ?? []) {
      rest += Buffer.from(chunk).toString();
      if (rest.includes('"id":7')) break;
    }
    expect(rest).toMatch(/"status":"succeeded"/);

    const ended = await fetch(`${server.origin}/mcp`, { method: 'DELETE', headers: session });
    expect(ended.status).toBe(200);
    expect((await post('{"jsonrpc":"2.0","id":1,"method":"ping"}', session)).status).toBe(404);
  });

  it('leaves the job running where there are no sessions, to be found by get_job', async () => {
    const leaving = new AbortController();
    const call = modern(
      server.origin,
      'tools/call',
      {
        name: 'local_image_to_3d',
        arguments: { image_url: dataUri(await ballPng(12)), ...args },
      },
      { signal: leaving.signal },
    );
    const running = async (): Promise<unknown> => {
      const { jobs } = await callTool(server.origin, 'list_jobs', { limit: 1 });
      return Array.isArray(jobs) && isJsonObject(jobs[0]) ? jobs[0] : {};
    };
    await expect.poll(running).toMatchObject({ status: expect.stringMatching(/queued|running/) });
    leaving.abort();
    await expect(call).rejects.toThrow();
    const job = await running();
    const id = isRecord(job) ? String(job['job_id']) : '';
    const done = await callTool(server.origin, 'wait_for_job', { job_id: id, wait_seconds: 50 });
    expect(done['status']).toBe('succeeded');
  });
});

describe('an operator', () => {
  it('sees that it lives, that it is ready, and what it does', async () => {
    expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
    expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);
    const response = await fetch(`${server.origin}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await response.text();
    expect(text).toMatch(/^meshwright_jobs\{state="succeeded",provider="local"\} [1-9]/m);
    expect(text).toMatch(
      /^meshwright_http_request_seconds_count\{method="POST",route="\/mcp",status="200"\} [1-9]/m,
    );
    expect(text).toMatch(/^meshwright_mcp_sessions \d/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    // What a caller made up is no label.
    await fetch(`${server.origin}/made/up`);
    expect(await (await fetch(`${server.origin}/metrics`)).text()).not.toContain('/made');
  });
});

describe('a server that is told to stop', () => {
  it('lets go of its jobs, and the next one carries them on', async () => {
    const env = serverEnv(path.join(folder, 'restart'));
    const first = await startHttpProcess(env);
    const started = await callTool(first.origin, 'local_image_to_3d', {
      image_url: dataUri(await ballPng(13)),
      wait_seconds: 0,
    });
    expect(await first.stop()).toBe(0);
    const second = await startHttpProcess(env);
    const done = await callTool(second.origin, 'wait_for_job', {
      job_id: started['job_id'] ?? '',
      wait_seconds: 50,
    });
    await second.stop();
    expect(done['status']).toBe('succeeded');
  });
});
