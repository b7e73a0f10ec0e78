import { ResourceNotFoundError } from '@modelcontextprotocol/server';
import type { ResourceSource } from '../../src/server/resources.js';
import { PNG } from './tool.js';

const TEXT = { uri: 'test://static-text', name: 'static text', mimeType: 'text/plain' };
const BINARY = { uri: 'test://static-binary', name: 'static binary', mimeType: 'image/png' };
const WATCHED = { uri: 'test://watched-resource', name: 'watched', mimeType: 'text/plain' };

export const resources: ResourceSource = {
  list: () => Promise.resolve({ resources: [TEXT, BINARY, WATCHED] }),
  templates: [{ uriTemplate: 'test://template/{id}/data', name: 'template', mimeType: 'application/json' }],
  read: async (uri) => ({ contents: [await contentOf(uri)] }),
  complete: (_argument, value) => Promise.resolve({ values: [`${value}ing`], hasMore: false }),
};

async function contentOf(
  uri: string,
): Promise<{ uri: string; mimeType: string } & ({ text: string } | { blob: string })> {
  const { mimeType } = TEXT;
  if (uri === TEXT.uri) return { uri, mimeType, text: 'This is the content of the static text resource.' };
  if (uri === WATCHED.uri) return { uri, mimeType, text: 'It may change.' };
  if (uri === BINARY.uri) return { uri, mimeType: BINARY.mimeType, blob: PNG };
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? [];
  if (id === undefined) throw new ResourceNotFoundError(uri);
  const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
  return { uri, mimeType: 'application/json', text };
}
