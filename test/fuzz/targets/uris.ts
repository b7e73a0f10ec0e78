import path from 'node:path';
import { assetIdOf } from '../../../src/jobs/uris.js';
import { absolutePath, shown, systemOf } from '../../../src/jobs/path-policy.js';
import { windowsFault } from '../../../src/jobs/windows-path.js';
import { echo, redact } from '../../../src/log.js';
import { literalAddress, whyNotPublic } from '../../../src/providers/address.js';
import { allowList, checkUrl, isPublicUrl, maskUrl } from '../../../src/providers/url-policy.js';
import { parseUri } from '../../../src/server/own-resources.js';
import { positionOf } from '../../../src/store/cursor.js';
import { hold, readable, type Target, text, toText, unless } from '../target.js';

const SECRET = 'sIgNaTuRe0123456789';
const windows = systemOf('win32', 'C:\\Users\\me');
const allows = allowList(['intranet.example:8080']);

export const target: Target = {
  about: 'URLs, URIs, paths and cursors, as an agent writes them',
  guides: ['/src/providers/url-policy', '/src/providers/address', '/src/jobs/path-policy', '/src/jobs/uris', '/src/jobs/windows-path', '/src/log', '/src/server/resources', '/src/store/cursor'], // prettier-ignore
  seeds: () =>
    [
      'https://example.com/a/b/model.glb?X-Sig=1#f',
      'https://user:pw@example.com/',
      'http://intranet.example:8080/x',
      'https://0x7f.1/',
      'https://[::ffff:127.0.0.1]/',
      'https://①②⑦.⓪.⓪.①/',
      'https://127。0。0。1/',
      'meshwright://assets/asset_0123456789abcdefghijklmnop',
      'meshwright://assets/asset_0123456789abcdefghijklmnop/parts/12',
      'meshwright://assets/asset_0123456789abcdefghijklmnop/info',
      'meshwright://jobs/job_0123456789abcdefghijklmnop',
      'meshwright://models',
      'file:///home/me/picture.png',
      'file://host/share/x.png',
      '~/picture.png',
      '/tmp/../etc/passwd',
      '\\\\server\\share',
      '//server/share',
      'C:\\Users\\me\\x.png',
      'c:/a/../b/./con.txt',
      'file:///C:/a%20b.png',
      '~\\x\\..\\y.png',
      Buffer.from('lq3k8z1a.job_0123').toString('base64url'),
    ].map(text),
  tokens: ['https://', 'http://', 'file:///', '@', ':', '?', '#', '%2e', '%00', '\\', '[::1]', '127.0.0.1', '0x', '.', '//', 'meshwright://', 'assets/', 'jobs/', 'asset_', 'job_', '/parts/', '/info', '~', '..', '。', '１', 'xn--', '\u202e', '\t', '\n', ' '], // prettier-ignore
  run: async (bytes) => {
    const input = toText(bytes);
    const checked = await unless(['url_refused'], () => checkUrl(input, allows));
    if (checked?.publicOnly) {
      const { url } = checked;
      hold(
        url.protocol === 'https:' && url.port === '',
        `${url.protocol} and port ${url.port} were let pass`,
      );
      hold(url.username === '' && url.password === '', 'a password was let pass');
      const address = literalAddress(url.hostname);
      hold(address === undefined || whyNotPublic(address) === undefined, `${url.hostname} was let pass`);
    } else if (checked)
      hold(checked.url.host === 'intranet.example:8080', `${checked.url.host} was let pass`);
    if (isPublicUrl(input, allows))
      hold(checked !== undefined || new URL(input).port !== '', 'one says public, one does not');
    readable(`x${maskUrl(input)}`);
    const signed = `${input.replace(/[?#].*/s, '')}?sig=${SECRET}`;
    hold(!maskUrl(signed).includes(SECRET), `a signature was shown: ${maskUrl(signed)}`);
    if (/^https?:\/\/[\w.-]+\/\w*$/.test(signed.split('?')[0] ?? ''))
      hold(!redact(signed).includes(SECRET), `a signature was logged: ${redact(signed)}`);
    readable(`x${echo(input)}`);
    readable(`x${shown(input)}`);
    const file = await unless(['path_refused'], () => absolutePath(input));
    hold(file === undefined || (path.isAbsolute(file) && !file.includes('\0')), 'a path is not absolute');
    const onWindows = await unless(['path_refused'], () => absolutePath(input, windows));
    hold(
      onWindows === undefined || windowsFault(onWindows) === undefined,
      `on Windows a path ${windowsFault(onWindows ?? '') ?? ''}`,
    );
    const id = assetIdOf(input);
    hold(id === undefined || /^asset_[0-9a-z]{26}$/.test(id), `${id} is no id`);
    parseUri(input);
    await unless(['invalid_arguments'], () => positionOf(input));
  },
};
