import { request } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRecord, type JsonObject } from '../../src/json.js';
import { removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { type HttpProcess, startHttpProcess } from '../support/http-server.js';
import { ballPng } from '../support/images.js';
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

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const link = (): Promise<JsonObject> => callTool(server.origin, 'upload_image', {});

/** By hand: `fetch` gives up when a server answers before it has the whole body. */
function send(
  url: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<{ status: number; answer: Record<string, unknown>; words: string }> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST', headers: { ...headers, 'content-length': body.length } });
    let answered = false;
    call.on('error', (error) => {
      if (!answered) reject(error);
    });
    call.once('response', (response) => {
      answered = true;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => {
        const words = Buffer.concat(chunks).toString();
        const parsed: unknown = JSON.parse(words);
        resolve({ status: response.statusCode ?? 0, answer: isRecord(parsed) ? parsed : {}, words });
      });
    });
    call.end(body);
  });
}

describe('an image that is handed over by a link', () => {
  it('becomes an asset that a model takes, and the link is used up', async () => {
    const { upload_url: url, uri, asset_id: id, expires_at: end } = await link();
    expect(new Date(text(end)).getTime()).toBeGreaterThan(Date.now());
    const image = new Uint8Array(await ballPng(31));
    const sent = await send(text(url), image);
    expect(sent).toMatchObject({ status: 201, answer: { asset_id: id, uri, format: 'png' } });
    expect(text(sent.answer['next'])).toContain(text(uri));
    const made = await callTool(server.origin, 'local_image_to_3d', {
      image_url: text(uri),
      target_triangles: 2000,
    });
    expect(made['status']).toBe('succeeded');

    const again = await send(text(url), new Uint8Array(await ballPng(32)));
    expect([again.status, again.words]).toEqual([409, expect.stringContaining('upload_image')]);
    const bytes = await fetch(text(sent.answer['url']));
    expect(new Uint8Array(await bytes.arrayBuffer())).toEqual(image);
  });

  it('is kept once when it is sent twice at the same time', async () => {
    const { upload_url: url } = await link();
    const images = await Promise.all([33, 34, 35, 36].map((variant) => ballPng(variant)));
    const all = await Promise.all(images.map((image) => send(text(url), new Uint8Array(image))));
    expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409]);
    const kept = all.findIndex(({ status }) => status === 201);
    const bytes = await fetch(text(all[kept]?.answer['url']));
    expect(Buffer.from(await bytes.arrayBuffer()).equals(images[kept] ?? Buffer.alloc(0))).toBe(true);
  });

  it.each([
    ['no image', Buffer.from('hello'), {}, 422, /not an image/],
    ['nothing', Buffer.alloc(0), {}, 422, /empty/],
    [
      'a form',
      Buffer.from('--x'),
      { 'content-type': 'multipart/form-data; boundary=x' },
      415,
      /--data-binary/,
    ],
    ['a compressed body', Buffer.from('x'), { 'content-encoding': 'gzip' }, 415, /compressed/],
    ['more than 20 MiB', Buffer.alloc(21 * 1024 ** 2), {}, 413, /20 MiB/],
  ])('is refused when it is %s, and the link stays good', async (_what, body, headers, status, why) => {
    const { upload_url: url } = await link();
    const refused = await send(text(url), new Uint8Array(body), headers);
    expect([refused.status, refused.words]).toEqual([status, expect.stringMatching(why)]);
    expect((await send(text(url), new Uint8Array(await ballPng(37)))).status).toBe(201);
  });

  it('goes nowhere by a link that was bent', async () => {
    const good = new URL(text((await link())['upload_url']));
    const image = new Uint8Array(await ballPng(38));
    const other = new URL(text((await link())['upload_url']));
    const bent = new URL(good);
    bent.pathname = other.pathname;
    expect((await send(bent.href, image)).status).toBe(403);
    const owner = new URL(good);
    owner.pathname = owner.pathname.replace(/[^/]+$/, Buffer.from('root').toString('base64url'));
    expect((await send(owner.href, image)).status).toBe(403);
    // A link for reading is none for writing.
    const reading = new URL(good);
    reading.pathname = reading.pathname.replace('/uploads/', '/assets/');
    expect((await fetch(reading)).status).toBe(403);
  });
});

describe('an image that is sent with a token', () => {
  it('needs no link', async () => {
    const { status, answer } = await send(`${server.origin}/uploads`, new Uint8Array(await ballPng(39)));
    expect(status).toBe(201);
    const { assets } = await callTool(server.origin, 'list_assets', {});
    expect(JSON.stringify(assets)).toContain(text(answer['asset_id']));
  });

  it('cannot be looked into as a GLB', async () => {
    const { answer } = await send(`${server.origin}/uploads`, new Uint8Array(await ballPng(40)));
    const { message } = await modern(server.origin, 'tools/call', {
      name: 'view_asset',
      arguments: { asset_id: text(answer['asset_id']) },
    });
    expect(JSON.stringify(message)).toMatch(/PNG file/);
  });
});
