// What most servers do: the official SDK's high-level server, fifteen zod tools of twenty arguments, unbundled.
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const kinds = [
  () => z.string().max(2000).describe('What the object should look like, in plain words.'),
  () => z.string().describe('Address of the picture to start from; one object on a plain ground works best.'),
  () => z.enum(['draft', 'standard', 'high', 'ultra']).describe('Speed against detail.'),
  () => z.int().min(1000).max(500_000).describe('Most faces that the mesh may have.'),
  () => z.boolean().describe('Whether a texture is baked.'),
  () => z.number().min(0).max(20).describe('How closely the result follows the input.'),
];

serveStdio(() => {
  const server = new McpServer({ name: 'reference', version: '0' });
  for (let tool = 0; tool < 15; tool++) {
    const shape = {};
    for (let i = 0; i < 20; i++) shape[`argument_${i}`] = kinds[i % kinds.length]().optional();
    server.registerTool(
      `model_${tool}`,
      {
        description: 'Makes a textured 3D file with this model from words or a picture.',
        inputSchema: z.object(shape),
      },
      async () => ({ content: [{ type: 'text', text: 'ok' }] }),
    );
  }
  return server;
});
