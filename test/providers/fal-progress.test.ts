import { describe, expect, it } from 'vitest';
import { EventParser } from '../../src/providers/fal/event-stream.js';
import { readLogLine } from '../../src/providers/fal/log-line.js';
import { Progress } from '../../src/providers/fal/progress.js';
import { readStatus, type FalStatus } from '../../src/providers/fal/status.js';

describe('a line of a log', () => {
  it.each([
    [
      'Sampling shape SLat:  33%|███▎      | 4/12 [00:02<00:04,  1.90it/s]',
      { stage: 'Sampling shape SLat', fraction: 0.33 },
    ],
    [
      'Diffusion Sampling::   0%|          | 0/50 [00:00<?, ?it/s]',
      { stage: 'Diffusion Sampling', fraction: 0 },
    ],
    ['\r 10%|█ | 1/10\r 20%|██ | 2/10', { fraction: 0.2 }],
    ['\u001B[32m2026-01-01 12:00:00,123 - INFO - Remeshing ...\u001B[0m', { stage: 'Remeshing' }],
    ['[INFO] Decoding mesh', { stage: 'Decoding mesh' }],
    ['Task status: running, progress: 44', { stage: 'running', fraction: 0.44, whole: true }],
    ['progress: 100', { fraction: 1, whole: true }],
    ['Denoising step 3/50', { stage: 'Denoising', fraction: 0.06 }],
    ['Rendering view 3 of 12', { stage: 'Rendering view', fraction: 0.25 }],
    [
      'Texture baking (opt): optimizing:  30%|███ | 3/10',
      { stage: 'Texture baking (opt): optimizing', fraction: 0.3 },
    ],
    ['Exporting 100%', { stage: 'Exporting', fraction: 1 }],
    ['Scaled by 250%', {}],
    ['Loaded 3 views', { stage: 'Loaded 3 views' }],
    ['Status: Generating', { stage: 'Generating' }],
    ['/usr/lib/python3/site.py:12: FutureWarning: gone soon', {}],
    ['Traceback (most recent call last):', {}],
    ['Downloading https://v3.fal.media/files/x?token=1', {}],
    ['{"event": "tick"}', {}],
    ['2026-01-01', {}],
    ['0%', { fraction: 0 }],
    ['====', {}],
    ['', {}],
  ])('%j', (line, expected) => {
    expect(readLogLine(line)).toEqual({ stage: undefined, ...expected });
  });

  it('gives short stages only', () => {
    expect(readLogLine('long line '.repeat(200)).stage?.length).toBeLessThanOrEqual(60);
  });
});

describe('progress', () => {
  const running = (...messages: string[]): FalStatus => ({
    state: 'running',
    queuePosition: undefined,
    logs: messages.map((message, i) => ({ message, timestamp: `t${i}` })),
    error: undefined,
    errorType: undefined,
  });
  const bar = (name: string, done: number): string => `${name}:  ${done}%|`;

  it('reads every line once, although fal repeats a window of them', () => {
    const progress = new Progress(1e6);
    progress.seen(running('Loading', bar('Sampling', 0), bar('Sampling', 100)), 0);
    const first = progress.at(0).progress ?? 0;
    // The same bar again would count as another stage that begins over.
    progress.seen(running('Loading', bar('Sampling', 0), bar('Sampling', 100)), 0);
    expect(progress.at(0).progress).toBe(first);
    expect(first).toBeCloseTo(0.3);
  });

  it('takes a bar that begins over for the next stage', () => {
    const progress = new Progress(1e6);
    const lines = [bar('Sampling', 0), bar('Sampling', 50), bar('Sampling', 100), bar('Sampling', 0)];
    progress.seen(running(...lines), 0);
    expect(progress.at(0).progress).toBeCloseTo(0.3);
    progress.seen(running(...lines, 'a line', bar('Sampling', 50)), 0);
    expect(progress.at(0).progress).toBeCloseTo(0.3 + 0.7 * 0.15);
  });

  it('follows the time that is usual where there are no numbers, and is never done before fal says so', () => {
    const progress = new Progress(100);
    progress.seen(running(), 0);
    const at = [0, 20, 50, 100, 200, 1e6].map((second) => progress.at(second * 1000).progress ?? 0);
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(at[0]).toBe(0);
    expect(at[3]).toBeGreaterThan(0.6);
    expect(at[5]).toBeLessThan(1);
    progress.seen(running('progress: 100'), 1e9);
    expect(progress.at(1e9).progress).toBeLessThan(1);
  });

  it('does not fall when a model counts backwards or goes back to the queue', () => {
    const progress = new Progress(1e6);
    progress.seen(running('progress: 60', 'progress: 20'), 0);
    expect(progress.at(0).progress).toBe(0.6);
    progress.seen({ ...running(), state: 'queued', queuePosition: 2 }, 1000);
    expect(progress.at(1000)).toEqual({
      running: false,
      queuePosition: 2,
      progress: 0.6,
      stage: 'waiting at fal',
    });
  });
});

describe('a status', () => {
  it.each([
    [{ status: 'COMPLETED' }, 'done'],
    [{ status: 'IN_QUEUE', queue_position: 3 }, 'queued'],
    [{ status: 'IN_PROGRESS', logs: null }, 'running'],
    [{ status: 'WARMING_UP', logs: [{}, 7, { message: 'x' }] }, 'running'],
  ])('%j is %s', (value, state) => {
    expect(readStatus(value)).toMatchObject({ state });
  });

  it.each([[null], ['COMPLETED'], [[]], [{}], [{ status: 3 }]])('is not in %j', (value) => {
    expect(readStatus(value)).toBeUndefined();
  });
});

describe('server-sent events', () => {
  const read = (pieces: string[]): string[] => {
    const events: string[] = [];
    const parser = new EventParser((data) => void events.push(data));
    for (const piece of pieces) parser.push(piece);
    return events;
  };
  const text =
    ': hello\n\ndata: {"a":1}\n\nevent: x\ndata: one\ndata: two\n\ndata:bare\r\n\r\nid: 7\n\ndata: cut';

  it('are read alike in whatever pieces they come', () => {
    const expected = ['{"a":1}', 'one\ntwo', 'bare'];
    expect(read([text])).toEqual(expected);
    for (let size = 1; size < 20; size++) {
      expect(read(text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [])).toEqual(expected);
    }
  });

  it('that never end are refused', () => {
    const parser = new EventParser(() => undefined);
    let taken = true;
    for (let i = 0; i < 20 && taken; i++) taken = parser.push('x'.repeat(1 << 20));
    expect(taken).toBe(false);
  });
});
