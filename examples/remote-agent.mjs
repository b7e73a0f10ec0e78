// A remote client in a page: hands a picture to a meshwright server, waits with progress, fetches the model.
//
//   node examples/remote-agent.mjs http://127.0.0.1:3333 cup.png [local_image_to_3d] [cup.glb]
//
// The token is in TOKEN (`meshwright token add NAME` prints it); without tokens leave it out.
import { readFile, writeFile } from 'node:fs/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [server, picture, tool = 'local_image_to_3d', output = 'model.glb'] = process.argv.slice(2);
const token = process.env.TOKEN;
const headers = token ? { authorization: `Bearer ${token}` } : {};

const client = new Client({ name: 'remote-agent', version: '1.0.0' });
await client.connect(
  new StreamableHTTPClientTransport(new URL('/mcp', server), { requestInit: { headers } }),
);

/** The structured result of a tool; what the server says is wrong is thrown. */
async function call(name, args, options) {
  const { content, structuredContent, isError } = await client.callTool(
    { name, arguments: args },
    undefined,
    options,
  );
  if (isError) throw new Error(content.map(({ text }) => text).join('\n'));
  return structuredContent;
}

// The link is good for one file; its bytes never pass through a model.
const { upload_url: link, uri } = await call('upload_image', {});
const sent = await fetch(link, { method: 'POST', body: await readFile(picture) });
if (!sent.ok) throw new Error(`The picture was refused: ${await sent.text()}`);

const watch = {
  onprogress: ({ message, progress, total }) => console.error(message ?? `${progress} of ${total}`),
  resetTimeoutOnProgress: true,
};
let job = await call(tool, { image_url: uri }, watch);
// "Still running" is an ordinary answer; waiting again never pays again.
while (job.status === 'queued' || job.status === 'running')
  job = await call('wait_for_job', { job_id: job.job_id }, watch);
await client.close();
if (job.status !== 'succeeded') throw new Error(job.message);

const { url, name } = job.assets.find(({ role }) => role === 'model');
const model = await fetch(url);
if (!model.ok) throw new Error(`${name} cannot be fetched: ${await model.text()}`);
await writeFile(output, Buffer.from(await model.arrayBuffer()));
console.log(`${job.message}\n${output}\n${url}`);
