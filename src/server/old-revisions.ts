import type { CallToolResult } from '@modelcontextprotocol/server';

/** The first revision that knows links to resources in a result. */
const LINKS_SINCE = '2025-06-18';

/**
 * A result as this revision can carry it: clients from before 2025-06-18 may refuse content of a kind that they do
 * not know, so a link becomes text.
 *
 * @param revision what was agreed on: a date, which sorts as text; absent where every request names its own
 */
export function forRevision(result: CallToolResult, revision: string | undefined): CallToolResult {
  if (revision === undefined || revision >= LINKS_SINCE) return result;
  return {
    ...result,
    content: result.content.map((block) => {
      if (block.type !== 'resource_link') return block;
      const { name, description, mimeType, uri } = block;
      return { type: 'text', text: `${name}: ${uri} (${description ?? mimeType ?? 'a file'})` };
    }),
  };
}
