import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport, Server } from '@modelcontextprotocol/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROMPTS, servePrompts } from '../../src/server/prompts.js';

let client: Client;

beforeEach(async () => {
  const [near, far] = InMemoryTransport.createLinkedPair();
  const server = new Server({ name: 'test', version: '0' }, { capabilities: { prompts: {} } });
  servePrompts(server, PROMPTS);
  client = new Client({ name: 'test', version: '0' });
  await Promise.all([server.connect(far), client.connect(near)]);
});
afterEach(() => client.close());

const text = async (args: Record<string, string>): Promise<string> => {
  const { messages } = await client.getPrompt({ name: 'make_3d_model', arguments: args });
  return messages.map(({ content }) => (content.type === 'text' ? content.text : '')).join('\n');
};

describe('the prompt to make a model', () => {
  it('is listed with what it takes', async () => {
    const { prompts } = await client.listPrompts();
    expect(prompts).toMatchObject([
      { name: 'make_3d_model', arguments: [{ name: 'image', required: true }, {}, {}, {}] },
    ]);
  });

  it('asks before money is spent, unless a budget is given', async () => {
    expect(await text({ image: '~/mug.png' })).toMatch(/from ~\/mug\.png\.[^]*Ask me before/);
    const told = await text({ image: 'a.png', purpose: 'a 3D print', max_usd: '2', save_to: '~/out' });
    expect(told).toMatch(/for a 3D print[^]*2 dollars[^]*~\/out with save_asset/);
  });

  it.each([
    [{}, /needs image/],
    [{ image: ' ' }, /needs image/],
    [{ image: 'a.png', price: '1' }, /no argument price; it has image, purpose/],
    [{ image: 'data:image/png;base64,'.padEnd(5000, 'A') }, /path or a URL/],
  ])('says what is wrong with %j', async (args, why) => {
    await expect(text({ ...args })).rejects.toThrow(why);
  });

  it('is the only one', async () => {
    await expect(client.getPrompt({ name: 'other' })).rejects.toThrow(/there is make_3d_model/);
  });
});
