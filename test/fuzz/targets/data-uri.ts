import { decodeDataUri } from '../../../src/jobs/data-uri.js';
import { hold, type Target, text, toText, unless } from '../target.js';

const MOST = 64 * 1024;

export const target: Target = {
  about: 'data URIs',
  guides: ['/src/jobs/data-uri'],
  seeds: () =>
    [
      'data:image/png;base64,iVBORw0KGgo=',
      'data:image/png;base64,iVBO\r\nRw0K\nGgo=  ',
      'data:;base64,_-8=',
      'data:image/svg+xml,%3Csvg%20xmlns=%22x%22/%3E',
      'data:image/png;charset=utf-8;base64 ,%69VBORw0KGgo%3D',
      'data:,',
      'data:image/png;base64,====',
      'DATA:IMAGE/PNG;BASE64,AA==',
      `data:image/png;base64,${'A'.repeat(90_000)}`,
      `data:,${'%41'.repeat(70_000)}`,
    ].map(text),
  tokens: ['data:', ';base64,', '%', '%3D', '==', '=', ',', ';', '\r\n', 'é', '-_'],
  maxBytes: 400_000,
  run: async (bytes) => {
    const found = await unless(['invalid_image', 'too_large'], () => decodeDataUri(toText(bytes), MOST));
    hold((found?.length ?? 0) <= MOST, 'more was decoded than is allowed');
  },
};
