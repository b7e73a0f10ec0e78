import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLog } from '../src/log.js';
import { inTrace, isTrace, traceHeaders, traceOf, traceOfMessage } from '../src/trace.js';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const PARENT = `00-${ID}-${SPAN}-01`;

describe('a trace that a request names', () => {
  it.each([
    ['the version of today', PARENT, '01'],
    ['one that is not recorded', `00-${ID}-${SPAN}-00`, '00'],
    ['flags that nobody knows yet', `00-${ID}-${SPAN}-fb`, '01'],
    ['a later version, which says more', `cc-${ID}-${SPAN}-01-what-the-future-brings`, '01'],
  ])('is taken from %s', (_what, traceparent, flags) => {
    expect(traceOf({ traceparent })).toEqual({ id: ID, span: SPAN, flags });
  });

  it.each([
    ['nothing', undefined],
    ['no text', 7],
    ['nonsense', 'nonsense'],
    ['capital letters', PARENT.toUpperCase()],
    ['a trace of zeroes', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeroes', `00-${ID}-${'0'.repeat(16)}-01`],
    ['a version that is forbidden', `ff-${ID}-${SPAN}-01`],
    ['more than this version says', `${PARENT}-more`],
    ['two headers', `${PARENT}, ${PARENT}`],
    ['a line of its own', `${PARENT}\r\nauthorization: Key x`],
  ])('is none where there is %s', (_what, traceparent) => {
    expect(traceOf({ traceparent })).toBeUndefined();
  });

  it.each([
    ['as it is', 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7', 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7'],
    ['without blanks and gaps', ' a=1 ,, tenant@sys=2\t', 'a=1,tenant@sys=2'],
    ['not when a member is broken', 'a=1,B=2', undefined],
    ['not when it would be a header of its own', 'a=1\r\nauthorization: x', undefined],
    [
      'not when there are too many',
      Array.from({ length: 33 }, (_, n) => `a${String(n)}=1`).join(','),
      undefined,
    ],
    [
      'cut at whole members',
      `a=${'x'.repeat(250)},b=${'y'.repeat(250)},c=1`,
      `a=${'x'.repeat(250)},b=${'y'.repeat(250)},c=1`,
    ],
    [
      'cut when it is long',
      `a=${'x'.repeat(250)},b=${'y'.repeat(250)},c=${'z'.repeat(50)}`,
      `a=${'x'.repeat(250)},b=${'y'.repeat(250)}`,
    ],
  ])('has its state %s', (_what, tracestate, state) => {
    expect(traceOf({ traceparent: PARENT, tracestate })?.state).toBe(state);
  });

  it('is read from any message without harm, and fit for the data folder and for a header', () => {
    const field = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-x)?$/),
      fc.jsonValue(),
    );
    const state = fc.oneof(fc.stringMatching(/^([a-z]{1,3}=[!-~]{1,9},?){1,40}$/), fc.string());
    fc.assert(
      fc.property(field, state, (traceparent, tracestate) => {
        const trace = traceOfMessage({ params: { _meta: { traceparent, tracestate } } });
        if (!trace) return;
        expect(isTrace(JSON.parse(JSON.stringify(trace)))).toBe(true);
        const headers = inTrace(trace, traceHeaders);
        expect(Object.values(headers).join('')).toMatch(/^[\x20-\x7e]*$/);
        expect(traceOf(headers)).toEqual({ ...trace, span: expect.not.stringMatching(trace.span) });
      }),
    );
    expect(traceOfMessage([{ params: null }])).toBeUndefined();
  });

  it('that was changed in the data folder is none', () => {
    const trace = { id: ID, span: SPAN, flags: '01' };
    expect(isTrace(trace)).toBe(true);
    for (const broken of [
      { ...trace, id: 'x' },
      { ...trace, flags: '1\n' },
      { ...trace, state: 'a=1\n' },
      7,
    ]) {
      expect(isTrace(broken)).toBe(false);
    }
  });
});

describe('what is done in a trace', () => {
  it('says so in its log, and nothing else does', async () => {
    const lines: string[] = [];
    const log = createLog('info', (line) => lines.push(line));
    await inTrace(traceOf({ traceparent: PARENT }), async () => {
      await Promise.resolve();
      log.info('within');
      inTrace(undefined, () => log.info('beside'));
    });
    log.info('after');
    const seen = lines.map((line): unknown => JSON.parse(line));
    expect(seen[0]).toMatchObject({ message: 'within', trace_id: ID, span_id: SPAN });
    for (const line of lines.slice(1)) expect(line).not.toContain('trace_id');
  });
});
