import { execFile } from 'node:child_process';
import net from 'node:net';
import { inspect, promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lookupWith, resolvePublic, type ResolvedAddress } from '../../src/providers/address.js';
import { createFetcher, httpStatusOf, type Fetcher, type FetcherOptions } from '../../src/providers/fetch.js';
import { serve } from './loopback.js';

const made: Fetcher[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(made.splice(0).map((fetcher) => fetcher.close()));
});

/** A fetcher that may go to loopback, unless told otherwise. */
function fetcherFor(options: Partial<FetcherOptions> = {}): Fetcher {
  const fetcher = createFetcher({ allowHosts: ['127.0.0.1'], ...options });
  made.push(fetcher);
  return fetcher;
}

const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });
const v6 = (address: string): ResolvedAddress => ({ address, family: 6 });

describe('a plain fetch', () => {
  it('brings bytes, type and status', async () => {
    const { url, requests } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' }).end('hello');
    });
    const got = await fetcherFor().bytes(`${url}/a.png`, { maxBytes: 5 });
    expect(got.bytes.toString()).toBe('hello');
    expect(got.contentType).toBe('image/png');
    expect(got.url).toBe(`${url}/a.png`);
    expect(requests[0]?.headers).toMatchObject({ 'accept-encoding': 'identity' });
  });

  it('hands out an answer of any status, and its headers by lower-case name', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(404, { 'X-Thing': 'a' }).end('nothing here');
    });
    const answer = await fetcherFor().open(url, { maxBytes: 100 });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('x-thing')).toBe('a');
    answer.discard();
  });

  it('makes an error of a status other than 2xx when bytes are wanted', async () => {
    const { url } = await serve((_request, response) => response.writeHead(403).end());
    const failure: unknown = await fetcherFor()
      .bytes(url, { maxBytes: 10 })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'download_failed', retryable: false });
    expect(httpStatusOf(failure)).toBe(403);
  });

  it('uploads', async () => {
    const { url, requests } = await serve((request, response) => {
      request.on('data', (data: Buffer) => response.write(data)).on('end', () => response.end());
    });
    const body = new TextEncoder().encode('picture');
    const got = await fetcherFor().bytes(url, {
      method: 'PUT',
      body,
      maxBytes: 100,
      headers: { 'x-a': '1' },
    });
    expect(got.bytes.toString()).toBe('picture');
    expect(requests[0]?.method).toBe('PUT');
    expect(requests[0]?.headers['x-a']).toBe('1');
  });

  it('goes to no proxy that the environment names', async () => {
    const proxy = await serve((_request, response) => response.end('from the proxy'));
    const { url } = await serve((_request, response) => response.end('direct'));
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']) vi.stubEnv(name, proxy.url);
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    const got = await fetcherFor().bytes(url, { maxBytes: 100 });
    expect(got.bytes.toString()).toBe('direct');
    expect(proxy.requests).toHaveLength(0);
  });

  it('loads the HTTP client only then', async () => {
    const script = `
      const { createFetcher } = await import('./src/providers/fetch.ts');
      const loaded = () => Symbol.for('undici.globalDispatcher.1') in globalThis;
      const fetcher = createFetcher({ allowHosts: ['127.0.0.1:1'] });
      const before = loaded();
      await fetcher.bytes('http://127.0.0.1:1/', { maxBytes: 1 }).catch(() => {});
      process.stdout.write(JSON.stringify([before, loaded()]));`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(JSON.parse(stdout)).toEqual([false, true]);
  });
});

describe('names', () => {
  const answers: [string, ResolvedAddress[]][] = [
    ['a private address', [v4('10.1.2.3')]],
    ['loopback', [v4('127.0.0.1')]],
    ['the metadata service', [v4('169.254.169.254')]],
    ['a public and a private address', [v4('93.184.216.34'), v4('192.168.1.1')]],
    ['a private IPv6 address', [v6('fd00::1')]],
    ['IPv4 inside IPv6', [v6('::ffff:93.184.216.34')]],
    ['a private IPv4 address translated to IPv6', [v6('64:ff9b::a01:203')]],
    ['a link-local address with a zone', [v6('fe80::1%eth0')]],
    ['no IP address at all', [v4('intranet')]],
  ];

  it('a name that leads to a public IPv4 address translated to IPv6 is followed there: a network without IPv4', async () => {
    const resolve = (): Promise<ResolvedAddress[]> => Promise.resolve([v6('64:ff9b::5db8:d822')]);
    const failure: unknown = await fetcherFor({ allowHosts: [], resolve })
      .bytes('https://pictures.example/a.png', { maxBytes: 10, signal: AbortSignal.timeout(300) })
      .catch((error: unknown) => error);
    // Nobody answers here, but it was dialled.
    expect(failure).not.toMatchObject({ code: 'url_refused' });
  });

  it.each([
    ['https://169.254.169.254/x.png', undefined],
    ['https://[fe80::1]/x.png', undefined],
    ['https://[::ffff:169.254.169.254]/x.png', undefined],
    ['https://[64:ff9b::a9fe:a9fe]/x.png', undefined],
    ['https://[fd00:ec2::254]/x.png', undefined],
    ['https://100.100.100.200/x.png', undefined],
    ['https://168.63.129.16/x.png', undefined],
    ['http://169.254.169.254:8080/x.png', undefined],
    ['https://metadata.google.internal:8080/x.png', undefined],
    ['https://pictures.example/x.png', v4('169.254.169.254')],
    ['https://pictures.example/x.png', v6('fd00:ec2::254')],
    ['https://pictures.example/x.png', v6('64:ff9b::a9fe:a9fe')],
  ])('nobody is told how to open %s (%j), a place of the machine', async (url, address) => {
    const resolve = (): Promise<ResolvedAddress[]> => Promise.resolve(address ? [address] : []);
    const fetcher = fetcherFor({ allowHosts: [], resolve });
    const failure: unknown = await fetcher.bytes(url, { maxBytes: 10 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'url_refused' });
    expect(String(failure)).not.toContain('MESHWRIGHT_ALLOW_HOSTS');
  });

  it('the way to open an inner host is told', async () => {
    const failure = fetcherFor({ allowHosts: [] }).bytes('https://10.0.0.7/x.png', { maxBytes: 10 });
    await expect(failure).rejects.toThrow('add 10.0.0.7 to MESHWRIGHT_ALLOW_HOSTS');
  });

  it.each(answers)('a name that leads to %s is refused', async (_what, addresses) => {
    const fetcher = fetcherFor({ allowHosts: [], resolve: () => Promise.resolve(addresses) });
    const failure: unknown = await fetcher
      .bytes('https://pictures.example/a.png?sig=secret', { maxBytes: 10 })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'url_refused' });
    // The address would tell a stranger how the inner network is laid out.
    for (const { address } of addresses) expect(String(failure)).not.toContain(address);
  });

  it.each([
    ['a name without addresses', (): Promise<ResolvedAddress[]> => Promise.resolve([]), false],
    [
      'a name that does not exist',
      (): Promise<ResolvedAddress[]> => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
      false,
    ],
    [
      'a resolver that is down',
      (): Promise<ResolvedAddress[]> => Promise.reject(Object.assign(new Error('x'), { code: 'EAI_AGAIN' })),
      true,
    ],
  ])('%s cannot be fetched from', async (_what, resolve, retryable) => {
    const fetcher = fetcherFor({ allowHosts: [], resolve });
    await expect(fetcher.bytes('https://pictures.example/', { maxBytes: 10 })).rejects.toMatchObject({
      code: 'download_failed',
      retryable,
    });
  });

  it('dials the address that the one question answered, under the name', async () => {
    const server = await serve((_request, response) => response.end('here'));
    const asked: string[] = [];
    const fetcher = fetcherFor({
      allowHosts: [`pictures.example:${server.port}`],
      resolve: (hostname) => {
        asked.push(hostname);
        // A second question would get an address where nobody listens.
        return Promise.resolve([v4(asked.length === 1 ? '127.0.0.1' : '127.0.0.2')]);
      },
    });
    const got = await fetcher.bytes(`http://pictures.example:${server.port}/`, { maxBytes: 10 });
    expect(got.bytes.toString()).toBe('here');
    expect(asked).toEqual(['pictures.example']);
    expect(server.requests[0]?.headers.host).toBe(`pictures.example:${server.port}`);
  });

  it('a name that is rebound between two connections is refused at the second', async () => {
    const answersInTurn = [[v4('93.184.216.34')], [v4('127.0.0.1')]];
    const lookup = lookupWith((hostname) =>
      resolvePublic(hostname, () => Promise.resolve(answersInTurn.shift() ?? [])),
    );
    const dial = (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        lookup('rebound.example', { all: false }, (error, address) =>
          error ? reject(error) : resolve(address),
        );
      });
    await expect(dial()).resolves.toBe('93.184.216.34');
    await expect(dial()).rejects.toMatchObject({ code: 'url_refused' });
  });
});

describe('redirects', () => {
  it('are followed three times, and no further', async () => {
    const { url } = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left > 0) response.writeHead(302, { location: `/${left - 1}` }).end('moved');
      else response.end('arrived');
    });
    const got = await fetcherFor().bytes(`${url}/3`, { maxBytes: 100 });
    expect(got.bytes.toString()).toBe('arrived');
    expect(got.url).toBe(`${url}/0`);
    await expect(fetcherFor().bytes(`${url}/4`, { maxBytes: 100 })).rejects.toMatchObject({
      code: 'url_refused',
    });
  });

  it('that lead in a circle are refused', async () => {
    const { url, requests } = await serve((_request, response) =>
      response.writeHead(301, { location: '/' }).end(),
    );
    await expect(fetcherFor().bytes(url, { maxBytes: 100 })).rejects.toMatchObject({ code: 'url_refused' });
    expect(requests).toHaveLength(4);
  });

  it.each([
    'https://169.254.169.254/latest/meta-data/',
    'https://[::ffff:127.0.0.1]/',
    'https://10.0.0.1/',
    'http://93.184.216.34/',
    'https://localhost:22/',
    'file:///etc/passwd',
    'ftp://example.com/',
    'data:text/plain,x',
    '//169.254.169.254/',
    'https://user:pw@example.com/',
    'https://[broken/',
  ])('to %s are refused', async (location) => {
    const { url } = await serve((_request, response) => response.writeHead(302, { location }).end());
    await expect(fetcherFor().bytes(url, { maxBytes: 100 })).rejects.toMatchObject({ code: 'url_refused' });
    await expect(fetcherFor().bytes(url, { maxBytes: 100, trusted: true })).rejects.toMatchObject({
      code: 'url_refused',
    });
  });

  it('to a name with a private address are refused', async () => {
    const { url } = await serve((_request, response) =>
      response.writeHead(307, { location: 'https://inside.example/' }).end(),
    );
    const fetcher = fetcherFor({ resolve: () => Promise.resolve([v4('192.168.0.9')]) });
    await expect(fetcher.bytes(url, { maxBytes: 100 })).rejects.toMatchObject({ code: 'url_refused' });
  });

  it('never carry a key to another origin, and do carry it within one', async () => {
    const other = await serve((_request, response) => response.end('file'));
    const first = await serve((request, response) => {
      const location = request.url === '/start' ? '/next' : `${other.url}/file`;
      response.writeHead(302, { location }).end();
    });
    await fetcherFor().bytes(`${first.url}/start`, {
      maxBytes: 100,
      headers: { authorization: 'Key k', 'x-api-key': 'k' },
    });
    expect(first.requests.map(({ headers }) => headers['x-api-key'])).toEqual(['k', 'k']);
    expect(other.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(other.requests[0]?.headers).not.toHaveProperty('x-api-key');
  });

  it('of an upload are refused', async () => {
    const { url, requests } = await serve((_request, response) =>
      response.writeHead(307, { location: '/b' }).end(),
    );
    await expect(fetcherFor().bytes(url, { method: 'PUT', body: 'x', maxBytes: 100 })).rejects.toMatchObject({
      code: 'url_refused',
    });
    expect(requests).toHaveLength(1);
  });

  it('without a target are answers like any other', async () => {
    const { url } = await serve((_request, response) => response.writeHead(302).end());
    await expect(fetcherFor().bytes(url, { maxBytes: 100 })).rejects.toMatchObject({
      code: 'download_failed',
    });
  });
});

describe('a URL from the configuration', () => {
  it('may lead anywhere', async () => {
    const { url } = await serve((_request, response) => response.end('ok'));
    const fetcher = fetcherFor({ allowHosts: [] });
    await expect(fetcher.bytes(url, { maxBytes: 10 })).rejects.toMatchObject({ code: 'url_refused' });
    expect((await fetcher.bytes(url, { maxBytes: 10, trusted: true })).bytes.toString()).toBe('ok');
  });
});

describe('bodies', () => {
  it('that say they are too large are not read', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 100 * 1024 ** 3 }).write('x');
    });
    await expect(fetcherFor().bytes(url, { maxBytes: 1 << 20 })).rejects.toMatchObject({ code: 'too_large' });
  });

  it('without an end are cut at the limit', async () => {
    let sent = 0;
    const { url } = await serve((_request, response) => {
      const pump = (): void => {
        while (response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', pump);
      pump();
    });
    await expect(fetcherFor().bytes(url, { maxBytes: 1 << 20 })).rejects.toMatchObject({ code: 'too_large' });
    expect(sent).toBeLessThan(64 << 20);
  });

  it('of exactly the limit are taken', async () => {
    const { url } = await serve((_request, response) => response.end(Buffer.alloc(1000)));
    const { bytes } = await fetcherFor().bytes(url, { maxBytes: 1000 });
    expect(bytes).toHaveLength(1000);
    await expect(fetcherFor().bytes(url, { maxBytes: 999 })).rejects.toMatchObject({ code: 'too_large' });
  });

  it.each([
    ['with a length', { 'content-length': '1000' }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('that break off are noticed: %s', async (_what, headers) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, headers);
      response.write('abc', () => response.destroy());
    });
    await expect(fetcherFor().bytes(url, { maxBytes: 10_000 })).rejects.toMatchObject({
      code: 'download_failed',
      retryable: true,
    });
  });

  it.each(['gzip', 'br', 'deflate', 'identity, gzip'])(
    'that are compressed (%s) are refused',
    async (encoding) => {
      const { url } = await serve((_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(gzipSync(Buffer.alloc(1 << 20)));
      });
      await expect(fetcherFor().bytes(url, { maxBytes: 10 << 20 })).rejects.toMatchObject({
        code: 'download_failed',
      });
    },
  );

  it('with oversized headers are refused', async () => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { 'x-a': 'y'.repeat(200_000) }).end(),
    );
    await expect(fetcherFor().bytes(url, { maxBytes: 10 })).rejects.toMatchObject({
      code: 'download_failed',
    });
  });
});

describe('time', () => {
  it('an answer that never comes', async () => {
    const { url } = await serve(() => undefined);
    await expect(fetcherFor({ stallMs: 100 }).bytes(url, { maxBytes: 10 })).rejects.toMatchObject({
      code: 'timeout',
      retryable: true,
    });
  });

  it('a body that stops', async () => {
    const { url } = await serve((_request, response) => response.write('a'));
    await expect(fetcherFor({ stallMs: 100 }).bytes(url, { maxBytes: 10 })).rejects.toMatchObject({
      code: 'timeout',
    });
  });

  it('a body that drips', async () => {
    const { url } = await serve((_request, response) => {
      const timer = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const fetcher = fetcherFor({ stallMs: 10_000 });
    await expect(fetcher.bytes(url, { maxBytes: 10_000, deadlineMs: 300 })).rejects.toMatchObject({
      code: 'timeout',
    });
  });

  it('a name that nobody answers for', async () => {
    const fetcher = fetcherFor({ allowHosts: [], resolve: () => new Promise(() => undefined) });
    await expect(
      fetcher.bytes('https://pictures.example/', { maxBytes: 10, deadlineMs: 100 }),
    ).rejects.toMatchObject({ code: 'timeout' });
  });

  it('a caller who goes away, before and in the middle', async () => {
    const { url, requests } = await serve((_request, response) => response.write('a'));
    const gone = new AbortController();
    gone.abort();
    await expect(fetcherFor().bytes(url, { maxBytes: 10, signal: gone.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(requests).toHaveLength(0);

    const leaving = new AbortController();
    const answer = await fetcherFor().open(url, { maxBytes: 10, signal: leaving.signal });
    const reading = (async () => {
      for await (const chunk of answer.body) if (chunk.length > 0) leaving.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('connections', () => {
  it('that nobody accepts', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await new Promise((resolve) => {
      server.close(resolve);
    });
    await expect(fetcherFor().bytes(`http://127.0.0.1:${port}/`, { maxBytes: 10 })).rejects.toMatchObject({
      code: 'download_failed',
      retryable: true,
    });
  });

  it('that are not TLS where TLS is due', async () => {
    const { host } = await serve((_request, response) => response.end('ok'));
    await expect(fetcherFor().bytes(`https://${host}/`, { maxBytes: 10 })).rejects.toMatchObject({
      code: 'download_failed',
    });
  });
});

it('no error shows the query of a URL', async () => {
  const { url } = await serve((request, response) => {
    if (request.url?.startsWith('/break')) response.destroy();
    else if (request.url?.startsWith('/move'))
      response.writeHead(302, { location: `${url}/move?sig=secret` }).end();
    else if (request.url?.startsWith('/large')) response.end(Buffer.alloc(1000));
    else response.writeHead(500).end();
  });
  const signed = [
    `${url}/break`,
    `${url}/move`,
    `${url}/large`,
    `${url}/fail`,
    'http://10.0.0.1/a',
    'ftp://a/b',
    'x',
  ];
  for (const each of signed) {
    const failure: unknown = await fetcherFor()
      .bytes(`${each}?sig=secret#secret`, { maxBytes: 10 })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(inspect(failure, { depth: 10 })).not.toContain('secret');
  }
});
