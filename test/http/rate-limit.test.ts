import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../src/http/rate-limit.js';

describe('the share of one principal', () => {
  it('is a burst, then as much as fills again, and nobody else notices', () => {
    const limit = new RateLimit();
    const begin = (name: string, now: number) => {
      const wait = limit.begin(name, now);
      if (!wait) limit.end(name);
      return wait;
    };
    const let1000 = Array.from({ length: 1_000 }, () => begin('ada', 0));
    expect(let1000.every((wait) => wait === undefined)).toBe(true);
    expect(begin('ada', 0)).toMatchObject({ seconds: 1 });
    expect(begin('bob', 0)).toBeUndefined();
    const second = Array.from({ length: 101 }, () => begin('ada', 1_000));
    expect(second.filter((wait) => wait === undefined)).toHaveLength(100);
  });

  it('has no more than a thousand requests open', () => {
    const limit = new RateLimit();
    for (let i = 0; i < 1_000; i++) expect(limit.begin('ada', 60_000 * i)).toBeUndefined();
    expect(limit.begin('ada', 1e9)?.why).toMatch(/1000 of your requests are open/);
    expect(limit.begin('bob', 1e9)).toBeUndefined();
    limit.end('ada');
    expect(limit.begin('ada', 1e9)).toBeUndefined();
  });
});
