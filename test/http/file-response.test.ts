import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposition, sendFile } from '../../src/http/file-response.js';

const BYTES = randomBytes(600_000);
const TAG = `"${createHash('sha256').update(BYTES).digest('hex')}"`;

let folder: string;
let server: Server;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'meshwright-files-'));
  await writeFile(path.join(folder, 'a.glb'), BYTES);
  await writeFile(path.join(folder, 'empty.bin'), '');
  server = createServer((incoming, response) => {
    const name = incoming.url === '/empty' ? 'empty.bin' : incoming.url === '/gone' ? 'gone.glb' : 'a.glb';
    const picture = incoming.url === '/picture';
    const file = {
      path: path.join(folder, name),
      sizeBytes: name === 'empty.bin' ? 0 : BYTES.length,
      sha256: TAG.slice(1, -1),
      mimeType: picture ? 'image/png' : 'model/gltf-binary',
      name: picture ? 'a mug.png' : 'a mug.glb',
    };
    sendFile(incoming, response, file, picture ? 59.9 : undefined).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  port = typeof address === 'object' && address ? address.port : 0;
});
afterAll(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
  });
  await rm(folder, { recursive: true });
});

function get(
  headers: Record<string, string> = {},
  method = 'GET',
  url = '/',
): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: '127.0.0.1', path: url, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('a stored file over HTTP', () => {
  it('comes whole, with its type, its name and what keeps a browser from running it', async () => {
    const { status, headers, body } = await get();
    expect(status).toBe(200);
    expect(body.equals(BYTES)).toBe(true);
    expect(headers).toMatchObject({
      'content-type': 'model/gltf-binary',
      'content-length': String(BYTES.length),
      'content-disposition': `attachment; filename="a mug.glb"; filename*=UTF-8''a%20mug.glb`,
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      etag: TAG,
    });
    expect(headers['content-security-policy']).toContain('sandbox');
  });

  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=100-299999', 100, 299_999],
    ['bytes=599999-', 599_999, 599_999],
    ['bytes=-10', 599_990, 599_999],
    ['bytes=10-9999999', 10, 599_999],
  ])('comes in the part %s', async (range, start, end) => {
    const { status, headers, body } = await get({ range });
    expect(status).toBe(206);
    expect(headers['content-range']).toBe(`bytes ${start}-${end}/600000`);
    expect(body.equals(BYTES.subarray(start, end + 1))).toBe(true);
  });

  it.each(['bytes=0-1,5-6', 'lines=0-1', 'bytes=', 'bytes=a-b', `bytes=${'0-1,'.repeat(100)}0-1`])(
    'comes whole for the range "%s"',
    async (range) => {
      const { status, body } = await get({ range });
      expect([status, body.length]).toEqual([200, BYTES.length]);
    },
  );

  it.each(['bytes=600000-', 'bytes=700000-800000'])('refuses the range %s beyond its end', async (range) => {
    const { status, headers } = await get({ range });
    expect(status).toBe(416);
    expect(headers['content-range']).toBe('bytes */600000');
  });

  it('goes on with a part only of the same file', async () => {
    expect((await get({ range: 'bytes=5-9', 'if-range': TAG })).status).toBe(206);
    expect((await get({ range: 'bytes=5-9', 'if-range': '"other"' })).status).toBe(200);
  });

  it('does not come again for who has it', async () => {
    for (const known of [TAG, `"x", W/${TAG}`, '*']) {
      const { status, body } = await get({ 'if-none-match': known });
      expect([status, body.length]).toEqual([304, 0]);
    }
    expect((await get({ 'if-none-match': '"x"' })).status).toBe(200);
  });

  it('tells its size without its bytes', async () => {
    const { status, headers, body } = await get({}, 'HEAD');
    expect([status, headers['content-length'], body.length]).toEqual([200, '600000', 0]);
  });

  it('is shown when it is a picture, and kept no longer than its link is good', async () => {
    expect((await get()).headers['cache-control']).toBe('private, max-age=3600');
    expect((await get({}, 'GET', '/picture')).headers).toMatchObject({
      'content-disposition': `inline; filename="a mug.png"; filename*=UTF-8''a%20mug.png`,
      'cache-control': 'private, max-age=59',
    });
  });

  it('may be empty, and may be gone', async () => {
    const empty = await get({}, 'GET', '/empty');
    expect([empty.status, empty.body.length]).toEqual([200, 0]);
    expect((await get({}, 'GET', '/gone')).status).toBe(500);
  });
});

describe('the name of a file in a header', () => {
  it.each([
    ['Tasse „Blümchen“.glb', `attachment; filename="Tasse _Bl_mchen_.glb"`],
    ['a"b\\c\r\nX-Evil: 1.glb', `attachment; filename="a_b_c__X-Evil: 1.glb"`],
    ['\ud800.glb', `attachment; filename="_.glb"`],
  ])('cannot break out of it: %j', (name, start) => {
    const header = disposition({ name, mimeType: 'model/gltf-binary' });
    expect(header.startsWith(start)).toBe(true);
    expect(header).toMatch(/^[\x20-\x7e]*$/);
  });
});
