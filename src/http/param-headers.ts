import type { Tool as ToolDefinition } from '@modelcontextprotocol/server';
import type { IncomingHttpHeaders } from 'node:http';
import { isRecord } from '../json.js';

/**
 * Arguments that a tool's schema wants repeated in headers (`x-mcp-header`, 2026-07-28), by which what stands between
 * client and server can route. The protocol entry compares them only for tools that are registered with the SDK.
 */

/** Code of an error about headers and body that disagree. */
export const HEADER_MISMATCH = -32020;

const PREFIX = '=?base64?';
const SUFFIX = '?=';

/** What is wrong with the headers of a call; `undefined` where they say the same as its arguments. */
export function headerMismatch(
  { inputSchema }: Pick<ToolDefinition, 'inputSchema'>,
  args: unknown,
  headers: IncomingHttpHeaders,
): string | undefined {
  if (!isRecord(args)) return undefined;
  for (const [argument, schema] of Object.entries(inputSchema.properties ?? {})) {
    const suffix = isRecord(schema) ? schema['x-mcp-header'] : undefined;
    const value = args[argument];
    if (typeof suffix !== 'string' || value === undefined || value === null) continue;
    const name = `Mcp-Param-${suffix}`;
    const sent = headers[name.toLowerCase()];
    if (typeof sent !== 'string') return `Repeat the argument ${argument} in the header ${name}.`;
    const said = decoded(sent);
    if (said === undefined) return `The header ${name} is no valid Base64 of UTF-8.`;
    if (!isSame(said, value)) return `The header ${name} and the argument ${argument} are not the same.`;
  }
  return undefined;
}

/** What a header cannot carry as it is comes as Base64. */
function decoded(text: string): string | undefined {
  if (!text.startsWith(PREFIX) || !text.endsWith(SUFFIX)) return text;
  const base64 = text.slice(PREFIX.length, -SUFFIX.length);
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function isSame(said: string, value: unknown): boolean {
  if (typeof value === 'number') return said.trim() !== '' && Number(said) === value;
  return said === (typeof value === 'boolean' ? String(value) : value);
}
