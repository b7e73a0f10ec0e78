import { describe, expect, it } from 'vitest';
import { whyNotPublic } from '../../src/providers/address.js';
import { createFetcher } from '../../src/providers/fetch.js';
import { allowList, checkUrl, isPublicUrl, maskUrl } from '../../src/providers/url-policy.js';
import { HOSTILE_URLS } from '../support/hostile-urls.js';

const nobody = allowList([]);

describe('URLs that are refused before anything is looked up', () => {
  for (const [group, urls] of Object.entries(HOSTILE_URLS)) {
    it.each(urls)(`${group}: %s`, async (url) => {
      let asked = 0;
      const fetcher = createFetcher({
        allowHosts: [],
        resolve: () => {
          asked++;
          return Promise.reject(new Error('nobody may ask'));
        },
      });
      await expect(fetcher.bytes(url, { maxBytes: 1000 })).rejects.toMatchObject({ code: 'url_refused' });
      expect(asked).toBe(0);
    });
  }

  it('names the setting that lets an operator in, with the port', () => {
    expect(() => checkUrl('http://10.0.0.5:8080/a.png', nobody)).toThrow(
      /10\.0\.0\.5.*private.*add 10\.0\.0\.5:8080 to MESHWRIGHT_ALLOW_HOSTS/s,
    );
  });
});

describe('URLs that may be fetched', () => {
  it.each([
    'https://example.com/',
    'https://example.com:443/a.png',
    'https://v3.fal.media/files/x.glb?sig=1',
    'https://8.8.8.8/',
    'https://[2606:2800:220:1::1]/',
    'https://bücher.example/',
  ])('%s', (url) => {
    expect(checkUrl(url, nobody)).toMatchObject({ publicOnly: true });
  });

  it('a private or plain host that the operator named, on every port or on one', () => {
    const allows = allowList(['localhost', '10.0.0.5:8080', '::1', '[fd00::5]:9000', 'INTRANET.example:443']);
    for (const url of [
      'http://localhost/',
      'http://localhost:1234/',
      'http://10.0.0.5:8080/',
      'https://[::1]:1/',
      'http://[fd00::5]:9000/',
      'https://intranet.example/',
    ]) {
      expect(checkUrl(url, allows), url).toMatchObject({ publicOnly: false });
    }
    for (const url of [
      'http://10.0.0.5/',
      'http://10.0.0.5:8081/',
      'http://[fd00::5]/',
      'http://intranet.example/',
      'http://localhost.example/',
      'http://10.0.0.50:8080/',
    ]) {
      expect(() => checkUrl(url, allows), url).toThrow(expect.objectContaining({ code: 'url_refused' }));
    }
  });

  it('an allowed host in another notation is the same host', () => {
    expect(checkUrl('http://0x7f000001:8080/', allowList(['127.0.0.1:8080'])).publicOnly).toBe(false);
  });

  it('a password is refused even for an allowed host', () => {
    expect(() => checkUrl('http://a:b@localhost/', allowList(['localhost']))).toThrow(/password/);
  });

  it.each(['', 'http://localhost', 'localhost:0', 'localhost:70000', 'a/b', 'a b', '[::1'])(
    'the entry "%s" is not taken',
    (entry) => {
      expect(() => allowList([entry])).toThrow(expect.objectContaining({ code: 'configuration' }));
    },
  );
});

describe('addresses', () => {
  it.each(['1.1.1.1', '93.184.216.34', '223.255.255.255', '2606:4700::1111', '2a00:1450:4001:80b::200e'])(
    '%s is public',
    (address) => {
      expect(whyNotPublic(address)).toBeUndefined();
    },
  );

  it.each(['', 'localhost', '1.2.3', 'fe80::1%eth0', '::ffff:1.1.1.1'])('"%s" is not', (address) => {
    expect(whyNotPublic(address)).toBeTypeOf('string');
  });
});

describe('URLs that a provider can read by itself', () => {
  it.each([
    'https://example.com/a.png',
    'https://example.com:8443/a',
    'https://8.8.8.8/a',
    'https://example.com./a',
  ])('%s can be', (url) => {
    expect(isPublicUrl(url, nobody)).toBe(true);
  });

  it.each([
    'http://example.com/a.png',
    'https://localhost/a',
    'https://nas/a',
    'https://nas.local/a',
    'https://db.internal/a',
    'https://printer.home.arpa./a',
    'https://192.168.0.4/a',
    'https://[::1]/a',
    'https://user:pw@example.com/a',
    'https://intranet.example.com/a',
    'not a url',
  ])('%s cannot', (url) => {
    expect(isPublicUrl(url, allowList(['intranet.example.com']))).toBe(false);
  });
});

describe('maskUrl', () => {
  it.each([
    ['https://cdn.example.com/a/b/model.glb?X-Sig=secret#frag', 'https://cdn.example.com/…/model.glb?…'],
    ['https://cdn.example.com/model.glb', 'https://cdn.example.com/model.glb'],
    ['https://user:pw@cdn.example.com:8443/x.glb', 'https://cdn.example.com:8443/x.glb'],
    ['https://example.com', 'https://example.com/'],
    ['data:image/png;base64,AAAA', 'data:…'],
    ['not a url?token=secret', '"not a url?…"'],
  ])('%s', (url, shown) => {
    expect(maskUrl(url)).toBe(shown);
  });
});
