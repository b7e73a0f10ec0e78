import { describe, expect, it } from 'vitest';
import { createLog, echo, keepSecret, redact } from '../src/log.js';

describe('the redactor', () => {
  it('masks keys, their halves and their base64 form wherever they stand', () => {
    keepSecret('keyid-123456:secret-abcdef');
    const base64 = Buffer.from('keyid-123456:secret-abcdef').toString('base64');
    const clean = redact(`Key keyid-123456:secret-abcdef, then secret-abcdef alone, Basic ${base64}`);
    expect(clean).not.toMatch(/keyid-123456|secret-abcdef/);
    expect(clean).not.toContain(base64);
  });

  it('masks a key in every form in which it may come back', () => {
    const key = 'p"q+/~é-0123456789abcdef';
    keepSecret(key);
    const within = (before: string): string => Buffer.from(`${before}${key} and more`).toString('base64');
    for (const text of [
      key,
      JSON.stringify({ key }),
      `a/${encodeURIComponent(key)}/b`,
      within(''),
      within('x'),
      within('xy'),
      within('{"k":"'),
      Buffer.from(`Key ${key}`).toString('base64url'),
      Buffer.from(key).toString('base64').replaceAll('=', ''),
    ]) {
      const clean = redact(`before ${text} after`);
      expect(clean, text).toMatch(/^before .*\*\*\*.* after$/);
      expect(clean, text).not.toContain(text.slice(8, 20));
    }
  });

  it('masks what signs a link or opens a door, also without the rest of it', () => {
    expect(redact('cut: lb?X-Amz-Signature=abcdef&X-Amz-Credential=xyz&a=1')).toBe(
      'cut: lb?X-Amz-Signature=***&X-Amz-Credential=***&a=1',
    );
    expect(redact('authorization: Bearer eyJhbGciOiJSUzI1NiJ9.e30.abc')).toBe('authorization: Bearer ***');
    expect(redact('Basic understanding is enough')).toBe('Basic understanding is enough');
  });

  it('masks tokens of our own by their form', () => {
    const token = `mw_${'aB3-_'.repeat(8)}xyz`;
    expect(redact(`token ${token}, {"a":"${token}"} https://h/${token}/x`)).toBe(
      'token mw_***, {"a":"mw_***"} https://h/mw_***/x',
    );
    expect(redact(JSON.stringify(`a line\n${token}`))).toBe(String.raw`"a line\nmw_***"`);
    expect(redact('mw_tokens and team_mw_file')).toBe('mw_tokens and team_mw_file');
  });

  it('masks what signs a URL and leaves what names it', () => {
    expect(redact('got https://cdn.example/a/b.glb?Policy=x&Signature=y from there')).toBe(
      'got https://cdn.example/a/b.glb?*** from there',
    );
    expect(redact('https://user:pass@host/x#frag')).toBe('https://***@host/x#***');
    expect(redact('see https://example.com/docs')).toBe('see https://example.com/docs');
  });

  it('leaves JSON lines that parse', () => {
    const lines: string[] = [];
    createLog('info', (line) => lines.push(line)).info('fetched', { url: 'https://h/x?sig="1"', bytes: 3 });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', message: 'fetched', bytes: 3 });
    expect(lines[0]).not.toContain('sig=');
  });

  it('drops lines under the level', () => {
    const lines: string[] = [];
    const log = createLog('warn', (line) => lines.push(line));
    log.info('quiet');
    log.error('loud');
    expect(lines).toHaveLength(1);
  });
});

describe('what a caller named', () => {
  it('is said back as it is when it is short', () => {
    expect(echo('job_01h')).toBe('job_01h');
  });

  it('is said back without secrets, on one line, and never at length', () => {
    expect(echo('https://host/x?sig=abcdefgh\nnext')).toBe('https://host/x?*** next');
    expect(echo('x'.repeat(10_000))).toHaveLength(120);
  });
});
