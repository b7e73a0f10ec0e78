import { describe, expect, it } from 'vitest';
import { whyNotPublic } from '../../src/providers/address.js';
import { createFetcher } from '../../src/providers/fetch.js';
import { allowList, checkUrl, isPublicUrl, maskUrl } from '../../src/providers/url-policy.js';

const nobody = allowList([]);

/** Every way that is known of writing an address or a URL that must not be fetched. */
const HOSTILE = {
  'loopback, in every notation': [
    'https://127.0.0.1/',
    'https://127.0.0.53/',
    'https://127.255.255.254/',
    'https://127.1/',
    'https://127.0.1/',
    'https://2130706433/',
    'https://017700000001/',
    'https://0x7f000001/',
    'https://0x7F.0x0.0x0.0x1/',
    'https://0177.0.0.1/',
    'https://0177.0.0.01/',
    'https://0x7f.1/',
    'https://127.0.0.1./',
    'https://%31%32%37.0.0.1/',
    'https://127。0。0。1/',
    'https://１２７.０.０.１/',
    'https://①②⑦.⓪.⓪.①/',
    'https://[::1]/',
    'https://[0:0:0:0:0:0:0:1]/',
    'https://[0000:0000:0000:0000:0000:0000:0000:0001]/',
  ],
  'this host': ['https://0.0.0.0/', 'https://0/', 'https://0x0/', 'https://0.1.2.3/', 'https://[::]/'],
  'private networks': [
    'https://10.0.0.1/',
    'https://10.255.255.255/',
    'https://012.0.0.1/',
    'https://167772161/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
    'https://192.168.0.1/',
    'https://192.168.1/',
    'https://0xc0a80001/',
    'https://3232235521/',
    'https://100.64.0.1/',
    'https://100.127.255.255/',
    'https://[fc00::1]/',
    'https://[fdff:ffff::1]/',
    'https://[fec0::1]/',
  ],
  'metadata services': [
    'https://169.254.169.254/latest/meta-data/',
    'https://169.254.170.2/v2/credentials',
    'https://2852039166/',
    'https://0xa9fea9fe/',
    'https://0251.0376.0251.0376/',
    'https://169.254.43518/',
    'https://100.100.100.200/',
    'https://192.0.0.192/',
    'https://168.63.129.16/',
    'https://[fd00:ec2::254]/',
    'https://[fe80::a9fe:a9fe]/',
    'https://[::ffff:169.254.169.254]/',
  ],
  'IPv4 inside IPv6': [
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::ffff:8.8.8.8]/',
    'https://[::ffff:0:127.0.0.1]/',
    'https://[::127.0.0.1]/',
    'https://[::7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b::8.8.8.8]/',
    'https://[64:ff9b:1::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[2002:a9fe:a9fe::1]/',
    'https://[2001:0:53aa:64c:0:fffe:80ff:fffe]/',
    'https://[2001::7f00:1]/',
  ],
  'reserved, test and group addresses': [
    'https://192.0.2.1/',
    'https://198.51.100.7/',
    'https://203.0.113.9/',
    'https://198.18.0.1/',
    'https://198.19.255.255/',
    'https://192.88.99.1/',
    'https://224.0.0.1/',
    'https://239.255.255.250/',
    'https://240.0.0.1/',
    'https://255.255.255.255/',
    'https://[2001:db8::1]/',
    'https://[2001:2::1]/',
    'https://[2001:10::1]/',
    'https://[3fff::1]/',
    'https://[100::1]/',
    'https://[5f00::1]/',
    'https://[4000::1]/',
    'https://[ff02::1]/',
  ],
  credentials: [
    'https://user@example.com/',
    'https://user:password@example.com/',
    'https://:password@example.com/',
    'https://example.com@127.0.0.1/',
    'https://example.com%40@example.org/',
  ],
  'other ports': [
    'https://example.com:22/',
    'https://example.com:80/',
    'https://example.com:8443/',
    'https://example.com:6379/',
    'https://[2606:2800:220:1::1]:8443/',
  ],
  'other schemes': [
    'http://example.com/',
    'HTTP://example.com/',
    'ftp://example.com/a.png',
    'file:///etc/passwd',
    'file://example.com/share',
    'gopher://127.0.0.1:6379/_INFO',
    'dict://127.0.0.1:11211/stats',
    'data:text/plain,hello',
    'blob:https://example.com/1',
    'javascript:alert(1)',
    'about:blank',
    'ws://example.com/',
    'wss://example.com/',
    'jar:https://example.com!/a',
    'unix:/var/run/docker.sock',
  ],
  'no URL at all': [
    '',
    ' ',
    'example.com',
    '//example.com/a.png',
    '/etc/passwd',
    'https://',
    'https:///',
    'https://[::1',
    'https://1.2.3.4.5/',
    'https://256.256.256.256/',
    'https://exa mple.com/',
    'https://example.com:99999/',
    'https://[fe80::1%25eth0]/',
    `https://example.com/${'a'.repeat(9000)}`,
  ],
};

describe('URLs that are refused before anything is looked up', () => {
  for (const [group, urls] of Object.entries(HOSTILE)) {
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
