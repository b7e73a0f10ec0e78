import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkerPng } from './common/fixtures/images.js';
import type { FalEmulator } from './fal.js';
import { auth, emulator, finish, get, read, submit } from './support.js';

const urls = z.object({ upload_url: z.string(), file_url: z.string() });
type Upload = z.output<typeof urls>;

const PNG = checkerPng(8, [0, 0, 0], [255, 255, 255]);

async function initiate(
  fal: FalEmulator,
  headers: Record<string, string> = {},
  multipart = '',
): Promise<Upload> {
  const response = await fetch(
    `${fal.urls.rest}/storage/upload/initiate${multipart}?storage_type=fal-cdn-v3`,
    {
      method: 'POST',
      headers: { ...auth, ...headers },
      body: JSON.stringify({ content_type: 'image/png', file_name: 'dog.png' }),
    },
  );
  return urls.parse(await response.json());
}

const put = (
  url: string,
  headers: Record<string, string> = { 'content-type': 'image/png' },
): Promise<Response> => fetch(url, { method: 'PUT', headers, body: PNG });

describe('an upload', () => {
  it('is initiated at the control host and sent to the CDN', async () => {
    const fal = await emulator();
    const { upload_url, file_url } = await initiate(fal);
    expect(new URL(upload_url).origin).toBe(fal.urls.cdn);
    expect((await get(file_url, {})).status).toBe(404);
    expect((await put(upload_url)).status).toBe(200);
    const file = await get(file_url, {});
    expect(file.headers.get('content-type')).toBe('image/png');
    expect(Buffer.from(await file.arrayBuffer()).equals(PNG)).toBe(true);
    const job = await submit(fal, 'fal-ai/pixal3d', { image_url: file_url });
    finish(fal);
    expect(await read(job.response_url)).toHaveProperty('model_glb');
  });

  it('needs the key to be initiated, and must not show it to the CDN', async () => {
    const fal = await emulator();
    const refused = await fetch(`${fal.urls.rest}/storage/upload/initiate?storage_type=fal-cdn-v3`, {
      method: 'POST',
    });
    expect(refused.status).toBe(401);
    const { upload_url } = await initiate(fal);
    expect((await put(upload_url, { ...auth, 'content-type': 'image/png' })).status).toBe(400);
    expect(fal.journal.entries({ op: 'put' })[0]?.warnings).toEqual(['credentials sent to the CDN']);
  });

  it('needs a content type, and a signature that has not expired', async () => {
    const fal = await emulator();
    const { upload_url } = await initiate(fal);
    expect((await put(upload_url, {})).status).toBe(400);
    expect((await put(upload_url.replace(/signature=.*/, 'signature=x'))).status).toBe(403);
    fal.clock.advance(3_600_000);
    expect((await put(upload_url)).status).toBe(403);
  });

  it.each(['x-fal-object-lifecycle', 'x-fal-object-lifecycle-preference'])(
    'lives as long as %s says',
    async (name) => {
      const fal = await emulator();
      const { upload_url, file_url } = await initiate(fal, { [name]: '{"expiration_duration_seconds":60}' });
      await put(upload_url);
      fal.clock.advance(59_999);
      expect((await get(file_url, {})).status).toBe(200);
      fal.clock.advance(1);
      expect((await get(file_url, {})).status).toBe(404);
    },
  );

  it.each([
    ['forbid', 403],
    ['hide', 404],
  ])('with the access list %s is read by a signed URL only', async (access, status) => {
    const fal = await emulator();
    const lifecycle = JSON.stringify({ initial_acl: { default: access } });
    const { upload_url, file_url } = await initiate(fal, { 'x-fal-object-lifecycle': lifecycle });
    await put(upload_url);
    expect((await get(file_url, {})).status).toBe(status);
    const signed = fal.urls.cdn + fal.storage.signedPath(new URL(file_url).pathname);
    expect((await get(signed, {})).status).toBe(200);
    const job = await submit(fal, 'fal-ai/pixal3d', { image_url: file_url });
    finish(fal);
    expect(await read(job.response_url)).toMatchObject({ detail: [{ type: 'file_download_error' }] });
  });
});

describe('an upload in parts', () => {
  const part = z.object({ partNumber: z.number(), etag: z.string() });
  const uploadParts = async (upload: Upload): Promise<z.output<typeof part>[]> => {
    const { origin, pathname, search } = new URL(upload.upload_url);
    const parts = [];
    for (const n of [1, 2]) {
      const response = await fetch(`${origin}${pathname}/${n}${search}`, {
        method: 'PUT',
        body: `part ${n} `,
      });
      parts.push(part.parse(await response.json()));
    }
    return parts;
  };
  const complete = (upload: Upload, parts: unknown[]): Promise<Response> => {
    const { origin, pathname, search } = new URL(upload.upload_url);
    return fetch(`${origin}${pathname}/complete${search}`, {
      method: 'POST',
      body: JSON.stringify({ parts }),
    });
  };

  it('is joined in order', async () => {
    const fal = await emulator();
    const upload = await initiate(fal, {}, '-multipart');
    expect((await complete(upload, await uploadParts(upload))).status).toBe(200);
    expect(await (await get(upload.file_url, {})).text()).toBe('part 1 part 2 ');
  });

  it.each([
    ['out of order', (parts: unknown[]) => parts.toReversed()],
    ['incomplete', (parts: unknown[]) => parts.slice(0, 1)],
    ['altered', (parts: { partNumber: number }[]) => parts.map((entry) => ({ ...entry, etag: '"0"' }))],
  ])('is refused when %s', async (_, spoil) => {
    const fal = await emulator();
    const upload = await initiate(fal, {}, '-multipart');
    expect((await complete(upload, spoil(await uploadParts(upload)))).status).toBe(400);
    expect((await get(upload.file_url, {})).status).toBe(404);
  });
});

it('a token of its own is what the Python client uploads with', async () => {
  const fal = await emulator();
  const asked = await fetch(`${fal.urls.rest}/storage/auth/token?storage_type=fal-cdn-v3`, {
    method: 'POST',
    headers: auth,
    body: '{}',
  });
  const { token, base_url } = z.object({ token: z.string(), base_url: z.string() }).parse(await asked.json());
  const upload = (bearer: string): Promise<Response> =>
    fetch(`${base_url}/files/upload`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bearer}`,
        'content-type': 'image/png',
        'x-fal-file-name': 'dog.png',
      },
      body: PNG,
    });
  const { access_url } = z.object({ access_url: z.string() }).parse(await (await upload(token)).json());
  expect((await get(access_url, {})).status).toBe(200);
  expect((await upload('other')).status).toBe(401);
});
