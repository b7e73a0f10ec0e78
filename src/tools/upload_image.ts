import * as z from 'zod';
import { MeshwrightError } from '../errors.js';
import { assetUri } from '../jobs/uris.js';
import { defineTool, type Tool } from './tool.js';

export const tool: Tool = defineTool({
  name: 'upload_image',
  title: 'Upload an image',
  group: 'assets',
  effect: 'reads',
  remoteOnly: true,
  description:
    'A link for sending one image file of up to 20 MiB with POST, once; its uri then serves as image_url. For images that are neither at an https URL nor small.',
  input: z.strictObject({}),
  output: z.object({
    upload_url: z.string(),
    asset_id: z.string(),
    uri: z.string(),
    expires_at: z.string(),
    next: z.string(),
  }),
  run: (_args, { uploadLink }) => {
    if (!uploadLink) {
      throw new MeshwrightError(
        'invalid_arguments',
        'This server is on the same machine: give the path of the image.',
      );
    }
    const { url, assetId, expiresAt } = uploadLink();
    const uri = assetUri(assetId);
    return Promise.resolve({
      structured: {
        upload_url: url,
        asset_id: assetId,
        uri,
        expires_at: new Date(expiresAt).toISOString(),
        next: `Send the file: curl --data-binary @FILE "${url}". Then give "${uri}" as image_url; before that there is nothing behind it.`,
      },
    });
  },
});
