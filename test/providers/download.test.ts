import { createHash, randomBytes } from 'node:crypto';
import { access, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download, type DownloadOptions, type Downloaded } from '../../src/providers/download.js';
import { createFetcher, httpStatusOf } from '../../src/providers/fetch.js';
import { serve } from './loopback.js';

/** Three and a bit of the batches that are written at once. */
const FILE = randomBytes(3_300_001);
const fetcher = createFetcher({ allowHosts: ['127.0.0.1'], stallMs: 5000 });
let folder: string;
let target: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'download-'));
  target = path.join(folder, 'file.part');
});

afterAll(async () => {
  await fetcher.close();
  await rm(folder, { recursive: true });
});

const bring = (url: string, options: Partial<DownloadOptions> = {}): Promise<Downloaded> =>
  download(fetcher, url, target, { maxBytes: 10 << 20, retryMs: 1, ...options });

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

async function expectWhole(got: Downloaded, bytes: Buffer): Promise<void> {
  expect(got).toMatchObject({ sizeBytes: bytes.length, sha256: sha256(bytes) });
  expect(got.head.equals(bytes.subarray(0, 512))).toBe(true);
  expect((await readFile(target)).equals(bytes)).toBe(true);
}

/** A server that breaks off after `cut` bytes of each answer until `times` is used up. */
function breaking(cut: number, times: number, bytes: Buffer = FILE, headers: Record<string, string> = {}) {
  let left = times;
  return (request: IncomingMessage, response: ServerResponse): void => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const fits = request.headers.range !== undefined && request.headers['if-range'] === headers['etag'];
    const body = fits ? bytes.subarray(from) : bytes;
    response.writeHead(fits ? 206 : 200, {
      'content-length': body.length,
      ...headers,
      ...(fits ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    });
    if (left-- > 0) response.write(body.subarray(0, cut), () => response.destroy());
    else response.end(body);
  };
}

const RANGES = { 'accept-ranges': 'bytes', etag: '"v1"' };

describe('a download', () => {
  it('is the file, byte by byte', async () => {
    const { url } = await serve((_request, response) => {
      response
        .writeHead(200, { 'content-type': 'model/gltf-binary', 'content-length': FILE.length })
        .end(FILE);
    });
    const got = await bring(url, { expectedBytes: FILE.length });
    await expectWhole(got, FILE);
    expect(got.contentType).toBe('model/gltf-binary');
  });

  it.each([0, 1, 511, 512, 513, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20])(
    'may have %i bytes',
    async (size) => {
      const bytes = FILE.subarray(0, size);
      const { url } = await serve((_request, response) => response.end(bytes));
      await expectWhole(await bring(url), bytes);
    },
  );

  it('replaces what was under the name', async () => {
    await writeFile(target, randomBytes(5_000_000));
    const { url } = await serve((_request, response) => response.end('short'));
    await expectWhole(await bring(url), Buffer.from('short'));
  });

  it('follows redirects', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/file' }).end();
      else response.end(FILE);
    });
    await expectWhole(await bring(url), FILE);
  });

  it('tells how far it is, rising to the end', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': FILE.length }).end(FILE);
    });
    const seen: number[] = [];
    await bring(url, {
      onProgress: ({ receivedBytes, totalBytes }) => {
        expect(totalBytes).toBe(FILE.length);
        seen.push(receivedBytes);
      },
    });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeLessThan(10);
    expect(seen.at(-1)).toBe(FILE.length);
  });
});

describe('a download that breaks off', () => {
  it('goes on where it was, when the server can', async () => {
    const { url, requests } = await serve(breaking(1_500_000, 1, FILE, RANGES));
    await expectWhole(await bring(url), FILE);
    expect(requests).toHaveLength(2);
    expect(requests[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('begins again, when it cannot', async () => {
    const { url, requests } = await serve(breaking(1_500_000, 2));
    await expectWhole(await bring(url), FILE);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, undefined, undefined]);
  });

  it('begins again with the new file, when the file has changed', async () => {
    const newer = randomBytes(2_000_000);
    let first = true;
    const { url } = await serve((request, response) => {
      const version = first
        ? { bytes: FILE, headers: RANGES }
        : { bytes: newer, headers: { ...RANGES, etag: '"v2"' } };
      breaking(1_500_000, first ? 1 : 0, version.bytes, version.headers)(request, response);
      first = false;
    });
    await expectWhole(await bring(url), newer);
  });

  it.each([
    ['another start', `bytes 7-${FILE.length - 1}/${FILE.length}`],
    ['another size', `bytes 1-2/99`],
    ['nonsense', 'bytes */*'],
  ])('takes no part that it did not ask for: %s', async (_what, contentRange) => {
    const { url, requests } = await serve((request, response) => {
      if (request.headers.range)
        response.writeHead(206, { 'content-range': contentRange }).end(FILE.subarray(7));
      else breaking(1_500_000, requests.length === 1 ? 1 : 0, FILE, RANGES)(request, response);
    });
    await expectWhole(await bring(url), FILE);
    expect(requests).toHaveLength(3);
  });

  it('begins again when the rest is refused', async () => {
    const { url, requests } = await serve((request, response) => {
      if (request.headers.range) response.writeHead(416).end();
      else breaking(1_500_000, requests.length === 1 ? 1 : 0, FILE, RANGES)(request, response);
    });
    await expectWhole(await bring(url), FILE);
  });

  it('gives up after four attempts and leaves nothing behind', async () => {
    const { url, requests } = await serve(breaking(1000, 99, FILE, RANGES));
    await expect(bring(url)).rejects.toMatchObject({ code: 'download_failed', retryable: true });
    expect(requests).toHaveLength(4);
    expect(await isThere(target)).toBe(false);
  });

  it('tries again after a passing refusal', async () => {
    const { url, requests } = await serve((_request, response) => {
      if (requests.length < 3) response.writeHead(503).end();
      else response.end(FILE);
    });
    await expectWhole(await bring(url), FILE);
  });

  it('is noticed by the size that the provider named, where the server names none', async () => {
    const { url, requests } = await serve((_request, response) => {
      response.write(FILE.subarray(0, 1000));
      response.end(FILE.subarray(1000, requests.length === 1 ? 2000 : FILE.length));
    });
    await expectWhole(await bring(url, { expectedBytes: FILE.length }), FILE);
    expect(requests).toHaveLength(2);
  });

  it('is an error when the size that the provider named never comes', async () => {
    const { url } = await serve((_request, response) => response.end('short'));
    await expect(bring(url, { expectedBytes: 6 })).rejects.toThrow(/ended after 5 of 6 bytes/);
    expect(await isThere(target)).toBe(false);
    await expectWhole(await bring(url, { expectedBytes: 4 }), Buffer.from('short'));
  });
});

describe('a download that cannot be', () => {
  it.each([401, 403, 404, 410])('is not tried twice: HTTP %i', async (status) => {
    const { url, requests } = await serve((_request, response) => response.writeHead(status).end('gone'));
    const failure: unknown = await bring(url).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'download_failed', retryable: false });
    expect(httpStatusOf(failure)).toBe(status);
    expect(requests).toHaveLength(1);
    expect(await isThere(target)).toBe(false);
  });

  it('is too large: by its own word, or as it comes', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/honest') response.setHeader('content-length', FILE.length);
      response.write(FILE.subarray(0, 2_000_000));
      response.end(FILE.subarray(2_000_000));
    });
    for (const way of ['honest', 'endless']) {
      await expect(bring(`${url}/${way}`, { maxBytes: 3_000_000 })).rejects.toMatchObject({
        code: 'too_large',
      });
      expect(await isThere(target)).toBe(false);
    }
  });

  it('may not grow past the limit over several attempts', async () => {
    const { url } = await serve((request, response) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, {
        ...RANGES,
        'transfer-encoding': 'chunked',
        ...(from > 0 ? { 'content-range': `bytes ${from}-${from + 999_999}/*` } : {}),
      });
      response.write(FILE.subarray(0, 1_000_000), () => response.destroy());
    });
    await expect(bring(url, { maxBytes: 1_500_000 })).rejects.toMatchObject({ code: 'too_large' });
  });

  it('leads to a place that is refused', async () => {
    const { url, requests } = await serve((_request, response) =>
      response.writeHead(302, { location: 'https://169.254.169.254/' }).end(),
    );
    await expect(bring(url)).rejects.toMatchObject({ code: 'url_refused' });
    expect(requests).toHaveLength(1);
    expect(await isThere(target)).toBe(false);
  });

  it('is cancelled: in the middle, or between two attempts', async () => {
    const middle = new AbortController();
    const endless = await serve((_request, response) => response.write(FILE.subarray(0, 2_000_000)));
    await expect(
      bring(endless.url, { signal: middle.signal, onProgress: () => middle.abort() }),
    ).rejects.toMatchObject({ code: 'cancelled' });
    expect(await isThere(target)).toBe(false);

    const between = new AbortController();
    const failing = await serve((_request, response) => {
      response.writeHead(503).end(() => setTimeout(() => between.abort(), 20));
    });
    await expect(bring(failing.url, { signal: between.signal, retryMs: 60_000 })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(await isThere(target)).toBe(false);
  });

  it('does not arrive in time, whatever the number of attempts', async () => {
    const { url } = await serve((_request, response) => response.write('a'));
    await expect(bring(url, { deadlineMs: 200 })).rejects.toMatchObject({ code: 'timeout' });
  });

  it('has no place on the disk', async () => {
    const { url } = await serve((_request, response) => response.end(FILE));
    await expect(
      download(fetcher, url, path.join(folder, 'missing', 'file'), { maxBytes: 10 << 20 }),
    ).rejects.toMatchObject({ code: 'storage' });
  });

  it.runIf(process.platform === 'linux')('fills the disk', async () => {
    // Every write to this device answers that the disk is full.
    const full = path.join(folder, 'full');
    await symlink('/dev/full', full);
    const { url, requests } = await serve((_request, response) => response.end(FILE));
    await expect(download(fetcher, url, full, { maxBytes: 10 << 20 })).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('ENOSPC'),
    });
    expect(requests).toHaveLength(1);
    expect(await isThere(full)).toBe(false);
  });
});

it('many at once do not mix', async () => {
  const files = Array.from({ length: 8 }, (_, index) => FILE.subarray(index, FILE.length - index * 100_000));
  const { url } = await serve((request, response) => response.end(files[Number(request.url?.slice(1))]));
  const done = await Promise.all(
    files.map((_, index) =>
      download(fetcher, `${url}/${index}`, path.join(folder, `many-${index}`), { maxBytes: 10 << 20 }),
    ),
  );
  expect(done.map((got) => got.sha256)).toEqual(files.map(sha256));
});
