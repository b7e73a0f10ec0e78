import { expect, test } from 'vitest';
import { isId, newId } from '../../src/store/ids.js';

test('an id says what it is of, and is 26 characters of base32 without letters that look alike', () => {
  for (let n = 0; n < 500; n++) {
    expect(newId('job')).toMatch(/^job_[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}$/);
    expect(newId('asset')).toMatch(/^asset_[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}$/);
  }
});

test('ids use all of their 128 bits', () => {
  const ids = Array.from({ length: 2_000 }, () => newId('job').slice(4));
  expect(new Set(ids).size).toBe(2_000);
  for (let place = 0; place < 26; place++) {
    expect(new Set(ids.map((id) => id.charAt(place))).size).toBe(place === 0 ? 8 : 32);
  }
});

test('isId tells the kinds apart and refuses everything else', () => {
  const id = newId('job');
  expect(isId('job', id)).toBe(true);
  expect(isId('asset', newId('asset'))).toBe(true);
  for (const text of [
    '',
    'job_',
    id.slice(0, -1),
    `${id}0`,
    id.toUpperCase(),
    ` ${id}`,
    `${id}\n`,
    newId('asset'),
    `job_${'0'.repeat(25)}i`,
    `job_${'0'.repeat(25)}u`,
    `job_8${'0'.repeat(25)}`,
  ]) {
    expect(isId('job', text)).toBe(false);
  }
});
