import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseArguments } from '../../src/jobs/arguments.js';

const schema = z.strictObject({
  image_url: z.string().min(1).describe('The picture'),
  size: z.literal([1024, 2048]).default(2048),
  steps: z.int().min(1).max(50).default(12),
  scale: z.number().min(0.1).max(4).optional(),
  remesh: z.boolean().default(true),
  images: z.array(z.string()).optional(),
  tier: z.enum(['Regular', 'Sketch']).optional(),
});

const parse = (args: unknown): unknown => parseArguments(schema, args, 'a_tool');
const refusal = (args: unknown): unknown => {
  try {
    parse(args);
  } catch (error) {
    return error;
  }
  return expect.unreachable('it was accepted');
};

describe('arguments', () => {
  it.each([
    [{ size: '1024' }, { size: 1024 }],
    [{ size: 1024 }, { size: 1024 }],
    [{ steps: '20' }, { steps: 20 }],
    [{ scale: ' 1.5 ' }, { scale: 1.5 }],
    [{ remesh: 'false' }, { remesh: false }],
    [{ remesh: 'True' }, { remesh: true }],
    [{ images: '["a","b"]' }, { images: ['a', 'b'] }],
    [{ images: 'a.png' }, { images: ['a.png'] }],
    [{ scale: null }, {}],
  ])('are taken as agents send them: %j', (given, expected) => {
    expect(parse({ image_url: 'x', ...given })).toMatchObject({ image_url: 'x', ...expected });
  });

  it('get their defaults', () => {
    expect(parse({ image_url: 'x' })).toEqual({ image_url: 'x', size: 2048, steps: 12, remesh: true });
  });

  it.each([
    [{ image_url: 'x', sise: 1 }, 'sise', /has no argument `sise`; it takes: image_url, size, steps/],
    [{}, 'image_url', /`image_url` is missing: give the picture/],
    [{ image_url: 'x', size: 512 }, 'size', /`size` must be one of 1024, 2048/],
    [{ image_url: 'x', steps: 51 }, 'steps', /`steps` must be a whole number from 1 to 50/],
    [{ image_url: 'x', steps: 1.5 }, 'steps', /`steps` must be a whole number from 1 to 50/],
    [{ image_url: 'x', scale: 'big' }, 'scale', /`scale` must be a number from 0.1 to 4/],
    [{ image_url: 'x', remesh: 'maybe' }, 'remesh', /`remesh` must be true or false/],
    [{ image_url: 'x', tier: 'regular' }, 'tier', /`tier` must be one of Regular, Sketch/],
    [{ image_url: 7 }, 'image_url', /`image_url` must be a string/],
    ['text', undefined, /takes an object of named arguments/],
  ])('are refused with a sentence that says what to send: %j', (given, field, sentence) => {
    const error = refusal(given);
    expect(error).toMatchObject({ code: 'invalid_arguments', field, charged: 'no' });
    expect(String(error)).toMatch(sentence);
  });

  it('of which nothing can be measured are refused in words', () => {
    expect(refusal({ image_url: { length: { toString: 1 } } })).toMatchObject({ code: 'invalid_arguments' });
  });

  it('cannot smuggle in a prototype', () => {
    expect(String(refusal(JSON.parse('{"image_url":"x","__proto__":{"size":1}}')))).toMatch(
      /has no argument/,
    );
  });
});
