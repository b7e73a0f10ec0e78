import { describe, expect, it } from 'vitest';
import { absolutePath, checkOpen, systemOf } from '../../src/jobs/path-policy.js';
import { safeName } from '../../src/jobs/paths.js';

const windows = systemOf('win32', 'C:\\Users\\me');
const mac = systemOf('darwin', '/Users/me');
const linux = systemOf('linux', '/home/me');

const refusal = expect.objectContaining({ code: 'path_refused' });

describe('a path on Windows', () => {
  it.each([
    ['C:\\Users\\me\\picture.png', 'C:\\Users\\me\\picture.png'],
    ['c:/Users/me/sub/../picture.png', 'c:\\Users\\me\\picture.png'],
    ['~\\picture.png', 'C:\\Users\\me\\picture.png'],
    ['~/Pictures/a b.png', 'C:\\Users\\me\\Pictures\\a b.png'],
    ['file:///C:/Users/me/a%20b.png', 'C:\\Users\\me\\a b.png'],
    ['D:\\console.png', 'D:\\console.png'],
  ])('%s is taken', (given, path) => {
    expect(absolutePath(given, windows)).toBe(path);
  });

  it.each([
    // Other machines: reaching for one sends the user's credentials there.
    '\\\\server\\share\\a.png',
    '//server/share/a.png',
    '\\/server\\share\\a.png',
    '/\\server/share/a.png',
    'file://server/share/a.png',
    'file:////server/share/a.png',
    // Ways around every check of a spelling.
    '\\\\?\\C:\\Users\\me\\a.png',
    '\\\\?\\UNC\\server\\share\\a.png',
    '\\\\.\\C:\\Users\\me\\a.png',
    '\\\\.\\PhysicalDrive0',
    '\\\\.\\pipe\\docker_engine',
    '\\??\\C:\\Users\\me\\a.png',
    '//./C:/Users/me/a.png',
    '//?/C:/Users/me/a.png',
    // Relative to a folder or a drive that nobody named.
    'C:picture.png',
    'C:',
    '\\Users\\me\\a.png',
    '/Users/me/a.png',
    'picture.png',
    '..\\a.png',
    // Streams inside of files.
    'C:\\Users\\me\\a.png:secret',
    'C:\\Users\\me\\a.png::$DATA',
    'C:\\Users\\me::$INDEX_ALLOCATION\\a.png',
    // Devices, in every folder and with any ending.
    'C:\\Users\\me\\CON',
    'C:\\Users\\me\\nul.png',
    'C:\\Users\\me\\aux.a.b',
    'C:\\Users\\me\\COM1.png',
    'C:\\Users\\me\\lpt9',
    'C:\\Users\\me\\COM².png',
    'C:\\Users\\me\\prn .png',
    'C:\\Users\\me\\CONIN$',
    'C:\\con\\a.png',
    // What Windows drops from names, and short names: `.ssh` is also SSH~1.
    'C:\\Users\\me\\a.png.',
    'C:\\Users\\me\\a.png ',
    'C:\\Users\\me\\.ssh.\\id',
    'C:\\Users\\me\\sub...\\a.png',
    'C:\\Users\\me\\SSH~1\\id.png',
    'C:\\PROGRA~1\\a.png',
    // Patterns.
    'C:\\Users\\me\\*.png',
    'C:\\Users\\me\\a?.png',
    'C:\\Users\\me\\a"b.png',
    'C:\\Users\\me\\a\0.png',
    'file:///C:/Users/me/a%2Fb.png',
    'file:///C:/Users/me/a%5Cb.png',
  ])('%s is refused', (given) => {
    expect(() => absolutePath(given, windows)).toThrow(refusal);
  });

  it('is open only below an open folder, in any case of letters, and not in a hidden one', () => {
    const roots = [{ given: 'C:\\Users\\me', real: 'C:\\Users\\me' }];
    const open = (path: string): void => checkOpen(path, roots, path, windows);
    open('C:\\Users\\me\\a.png');
    open('c:\\users\\ME\\sub\\a.png');
    for (const path of [
      'C:\\Users\\mean\\a.png',
      'D:\\Users\\me\\a.png',
      'C:\\Users\\me\\.ssh\\id',
      'C:\\Users\\me\\AppData\\Roaming\\app\\token.png',
      'C:\\Users\\me\\appdata\\Local\\a.png',
    ]) {
      expect(() => open(path), path).toThrow(refusal);
    }
    const within = [
      { given: 'C:\\Users\\me\\AppData\\Local\\Temp', real: 'C:\\Users\\me\\AppData\\Local\\Temp' },
    ];
    checkOpen('C:\\Users\\me\\AppData\\Local\\Temp\\a.png', [...roots, ...within], 'a', windows);
  });
});

it('on macOS the library of settings and cookies is hidden, unless a folder in it was opened', () => {
  const home = { given: '/Users/me', real: '/System/Volumes/Data/Users/me' };
  const cookie = '/System/Volumes/Data/Users/me/Library/Cookies/a.png';
  expect(() => checkOpen(cookie, [home], cookie, mac)).toThrow(refusal);
  checkOpen('/System/Volumes/Data/Users/me/Pictures/Library/a.png', [home], 'a', mac);
  const cache = { given: '/Users/me/Library/Caches/x', real: '/Users/me/Library/Caches/x' };
  checkOpen('/Users/me/Library/Caches/x/a.png', [home, cache], 'a', mac);
  const above = { given: '/Users', real: '/Users' };
  expect(() => checkOpen('/Users/me/Library/a.png', [above], 'a', mac)).toThrow(refusal);
});

it('elsewhere a folder of that name is one like any other', () => {
  const home = { given: '/home/me', real: '/home/me' };
  checkOpen('/home/me/Library/a.png', [home], 'a', linux);
  expect(() => checkOpen('/home/me/.config/a.png', [home], 'a', linux)).toThrow(refusal);
});

it('a name that somebody else chose becomes one that every system takes', () => {
  for (const name of [
    'con',
    'NUL.glb',
    'a:b',
    '../../x',
    'C:\\x\\y',
    '...',
    '',
    'a\0b',
    'x'.repeat(500),
    `${'y'.repeat(130)}. .`,
  ]) {
    expect(safeName(name)).toMatch(/^(?!(con|nul)(\.|$))[^/\\:\0]{1,121}(?<![. ])$/i);
  }
});
