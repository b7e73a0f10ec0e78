import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpServer } from '../../src/http.js';
import { headerMismatch } from '../../src/http/param-headers.js';
import type { JsonObject } from '../../src/json.js';
import { startFixtureServer } from '../conformance/server.js';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { modern } from '../support/modern.js';

const inputSchema = {
  type: 'object' as const,
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    level: { type: 'integer', 'x-mcp-header': 'Level' },
    dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
    free: { type: 'string' },
  },
};
const base64 = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`;

describe('an argument that is to be repeated in a header', () => {
  it.each<[JsonObject, Record<string, string>]>([
    [{}, {}],
    [{ region: null, free: 'x' }, { 'mcp-param-region': 'ignored' }],
    [{ region: 'eu' }, { 'mcp-param-region': 'eu' }],
    [{ region: 'Zürich\n' }, { 'mcp-param-region': base64('Zürich\n') }],
    [{ region: '=?base64?x' }, { 'mcp-param-region': '=?base64?x' }],
    [{ level: 42 }, { 'mcp-param-level': '42.0' }],
    [{ dry: false }, { 'mcp-param-dry': 'false' }],
  ])('is taken where both say the same: %j, %j', (args, headers) => {
    expect(headerMismatch({ inputSchema }, args, headers)).toBeUndefined();
  });

  it.each<[JsonObject, Record<string, string>, RegExp]>([
    [{ region: 'eu' }, {}, /argument region in the header Mcp-Param-Region/],
    [{ region: 'eu' }, { 'mcp-param-region': 'EU' }, /not the same/],
    [{ region: 'Hello' }, { 'mcp-param-region': '=?base64?SGVsbG8?=' }, /no valid Base64/],
    [{ region: 'Hello' }, { 'mcp-param-region': '=?base64?SGVs!!!bG8=?=' }, /no valid Base64/],
    [{ region: '\ufffd' }, { 'mcp-param-region': '=?base64?/w==?=' }, /no valid Base64/],
    [{ level: 0 }, { 'mcp-param-level': ' ' }, /not the same/],
    [{ dry: true }, { 'mcp-param-dry': '1' }, /not the same/],
    [{ region: {} }, { 'mcp-param-region': '[object Object]' }, /not the same/],
  ])('is refused where they do not: %j, %j', (args, headers, message) => {
    expect(headerMismatch({ inputSchema }, args, headers)).toMatch(message);
  });
});

describe('a call over HTTP of a tool with such an argument', () => {
  let folder: string;
  let server: HttpServer;

  beforeAll(async () => {
    folder = await temporaryFolder();
    server = await startFixtureServer(folder);
  });
  afterAll(async () => {
    await server.close();
    await removeFolder(folder);
  });

  it('is answered when the header is there, and is told which one when it is not', async () => {
    const call = { name: 'test_header_argument', arguments: { region: 'eu' } };
    const headers = { 'mcp-param-region': 'eu' };
    expect(await modern(server.url, 'tools/call', call, { headers })).toMatchObject({
      status: 200,
      message: { id: 1, result: { resultType: 'complete' } },
    });
    expect(await modern(server.url, 'tools/call', call)).toMatchObject({
      status: 400,
      message: { id: 1, error: { code: -32020, message: expect.stringContaining('Mcp-Param-Region') } },
    });
  });
});
