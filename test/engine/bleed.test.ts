import { describe, expect, it } from 'vitest';
import type { Picture } from '../../src/engine/bleed.js';
import { bleed, growByOne } from '../../src/engine/bleed.js';
import { trustedPixels } from '../../src/engine/cutout.js';

function picture(width: number, height: number, known: Record<string, readonly [number, number, number]>) {
  const result: Picture = { width, height, rgb: new Uint8Array(width * height * 3) };
  const mask = new Uint8Array(width * height);
  for (const [place, colour] of Object.entries(known)) {
    const [x = 0, y = 0] = place.split(',').map(Number);
    result.rgb.set(colour, 3 * (y * width + x));
    mask[y * width + x] = 1;
  }
  const at = (x: number, y: number): number[] => [
    ...result.rgb.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
  ];
  return { result, mask, at };
}

describe('bleed', () => {
  it('fills everything from one known pixel', () => {
    const { result, mask, at } = picture(37, 21, { '30,4': [10, 200, 90] });
    bleed(result, mask);
    for (const [x, y] of [
      [0, 0],
      [36, 20],
      [29, 4],
      [0, 20],
    ] as const) {
      expect(at(x, y)).toEqual([10, 200, 90]);
    }
  });

  it('leaves what is known as it is', () => {
    const { result, mask, at } = picture(8, 8, { '2,2': [255, 0, 0], '3,2': [0, 0, 255] });
    bleed(result, mask);
    expect(at(2, 2)).toEqual([255, 0, 0]);
    expect(at(3, 2)).toEqual([0, 0, 255]);
  });

  it('is near to the nearer of two colours, and between them half way', () => {
    const { result, mask, at } = picture(64, 4, { '0,1': [200, 0, 0], '63,1': [0, 0, 200] });
    bleed(result, mask);
    const reds = [1, 20, 32, 43, 62].map((x) => at(x, 1)[0] ?? 0);
    expect(reds).toEqual(reds.toSorted((a, b) => b - a));
    expect(reds[0]).toBeGreaterThan(180);
    expect(reds[2]).toBeGreaterThan(60);
    expect(reds[2]).toBeLessThan(140);
    expect(reds[4]).toBeLessThan(20);
  });

  it('leaves a picture of which nothing is known as it is', () => {
    const { result, mask } = picture(5, 5, {});
    bleed(result, mask);
    expect(result.rgb.every((value) => value === 0)).toBe(true);
  });
});

describe('growByOne', () => {
  it('gives the pixels around the mean of those that are known beside them', () => {
    const { result, mask, at } = picture(7, 5, { '2,2': [100, 0, 0], '4,2': [0, 0, 100] });
    growByOne(result, mask);
    expect(at(1, 1)).toEqual([100, 0, 0]);
    expect(at(3, 2)).toEqual([50, 0, 50]);
    expect(at(5, 3)).toEqual([0, 0, 100]);
    expect([...mask].reduce((sum, known) => sum + known, 0)).toBe(15);
  });
});

describe('trusted pixels of a silhouette', () => {
  const size = 40;
  const silhouette = (inside: (x: number, y: number) => boolean): Uint8Array =>
    Uint8Array.from({ length: size * size }, (_, at) => (inside(at % size, Math.floor(at / size)) ? 255 : 0));

  it('leave out the rim', () => {
    const trusted = trustedPixels(
      silhouette((x, y) => x >= 5 && x < 35 && y >= 5 && y < 35),
      size,
      size,
      3,
    );
    const row = [...trusted.subarray(20 * size, 21 * size)];
    expect(row.indexOf(1)).toBe(8);
    expect(row.lastIndexOf(1)).toBe(31);
  });

  it('keep the middle line of parts that are thinner than the rim', () => {
    const trusted = trustedPixels(
      silhouette((x, y) => (x >= 5 && x < 35 && y < 20) || (x >= 18 && x < 23 && y < 38)),
      size,
      size,
      4,
    );
    expect([...trusted.subarray(32 * size + 17, 32 * size + 24)]).toEqual([0, 0, 0, 1, 0, 0, 0]);
  });

  it('are all when there is nothing else', () => {
    const line = silhouette((x) => x === 20);
    expect([...trustedPixels(line, size, size, 3)]).toEqual(
      [...line].map((inside) => (inside === 0 ? 0 : 1)),
    );
  });
});
