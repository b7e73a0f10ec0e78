// What most HTTP servers do at their best: the official SDK's high-level server, fifteen zod tools of twenty arguments
// that are made once, one server object per request as the SDK's entry wants it.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';

const kinds = [
  () => z.string().max(2000).describe('What the object should look like, in plain words.'),
  () => z.url().describe('Address of the picture to start from; one object on a plain ground works best.'),
  () => z.enum(['draft', 'standard', 'high', 'ultra']).describe('Speed against detail.'),
  () => z.int().min(1000).max(500_000).describe('Most faces that the mesh may have.'),
  () => z.boolean().describe('Whether a texture is baked.'),
  () => z.number().min(0).max(20).describe('How closely the result follows the input.'),
];

const schemas = Array.from({ length: 15 }, () => {
  const shape = {};
  for (let i = 0; i < 20; i++) shape[`argument_${i}`] = kinds[i % kinds.length]().optional();
  return z.object(shape);
});

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'reference', version: '0' });
  for (const [tool, inputSchema] of schemas.entries()) {
    server.registerTool(
      `model_${tool}`,
      { description: 'Makes a textured 3D file with this model from words or a picture.', inputSchema },
      async () => ({ content: [{ type: 'text', text: 'ok' }] }),
    );
  }
  return server;
});

const handle = toNodeHandler(handler);
const server = createServer((request, response) => void handle(request, response));
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
