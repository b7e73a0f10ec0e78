import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { SingleBar } from 'cli-progress';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { inspectionSchema } from '../src/jobs/inspection.js';
import { jobSchema } from '../src/jobs/view.js';
import { formatBytes } from '../src/jobs/words.js';
import { formatSize, pairs } from '../src/cli/text.js';

/**
 * What an agent does with meshwright, from its side of the pipe: starts the built server, lists the tools, makes a
 * model of the example picture, reads it as a resource, saves it, inspects it and looks at it. No key, no network.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = path.join(root, 'dist', 'cli.js');
const out = path.join(root, 'out');
const picture = path.join(root, 'examples', 'mushroom.png');
const target = path.join(out, 'mushroom.glb');

const savedSchema = z.object({ path: z.string() });
const resultSchema = z.looseObject({
  isError: z.boolean().optional(),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  content: z.array(
    z.looseObject({
      type: z.string(),
      text: z.string().optional(),
      data: z.string().optional(),
      mimeType: z.string().optional(),
    }),
  ),
});
type Result = z.infer<typeof resultSchema>;

async function main(): Promise<void> {
  await mkdir(out, { recursive: true });
  const client = await start();
  try {
    await makeModel(client);
  } finally {
    await client.close();
  }
}

async function start(): Promise<Client> {
  const client = new Client({ name: 'meshwright-demo', version: '1.0.0' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [cli],
      cwd: root,
      env: {
        MESHWRIGHT_DATA_DIR: path.join(out, 'data'),
        MESHWRIGHT_LOG: 'warn',
      },
      stderr: 'inherit',
    }),
  );
  const { name, version } = client.getServerVersion() ?? { name: 'meshwright', version: '' };
  const { tools } = await client.listTools();
  console.log(`Connected to ${name} ${version} over stdio; it has ${tools.length} tools:`);
  console.log(`  ${tools.map((tool) => tool.name).join(', ')}\n`);
  return client;
}

async function makeModel(client: Client): Promise<void> {
  const began = performance.now();
  console.log(`local_image_to_3d { image_url: ${JSON.stringify(picture)} }`);
  const made = await withProgress((onprogress) =>
    call(client, 'local_image_to_3d', { image_url: picture, force_new: true }, onprogress),
  );
  const seconds = (performance.now() - began) / 1000;
  const job = jobSchema.parse(made.structuredContent);
  const model = job.assets.find(({ role }) => role === 'model');
  if (job.status !== 'succeeded' || !model) throw new Error(`${job.message} ${job.next}`);
  console.log(`${job.message}\n`);

  const { contents } = await client.readResource({ uri: model.uri });
  const bytes = contents.reduce(
    (sum, item) => sum + ('blob' in item ? Buffer.from(item.blob, 'base64').length : 0),
    0,
  );
  console.log(`Read ${model.uri}: ${bytes.toLocaleString('en-US')} bytes of ${model.mime_type}.`);
  const reference = { asset_id: model.asset_id };
  const saved = savedSchema.parse(
    (await call(client, 'save_asset', { ...reference, path: target, overwrite: true })).structuredContent,
  );
  const facts = inspectionSchema.parse((await call(client, 'inspect_asset', reference)).structuredContent);
  const preview = await savePreview(await call(client, 'view_asset', reference));
  console.log('Saved, inspected and looked at it.\n');

  console.log(
    pairs([
      ['GLB', saved.path],
      ['preview', preview],
      ['vertices', facts.vertices.toLocaleString('en-US')],
      ['triangles', facts.triangles.toLocaleString('en-US')],
      ['size', facts.size_meters ? `${formatSize(facts.size_meters)} (width × height × depth)` : undefined],
      ['watertight', facts.watertight ? 'yes' : 'no'],
      ['validator', `${facts.validation.errors} errors`],
      ['bytes', `${bytes.toLocaleString('en-US')} (${formatBytes(bytes)})`],
      ['seconds', seconds.toFixed(1)],
    ]),
  );
  if (facts.validation.errors > 0 || bytes !== model.size_bytes) {
    throw new Error('The GLB is not as it should be.');
  }
  printNext();
}

/** Calls a tool; an answer that says that it failed ends the demo with its text. */
async function call(
  client: Client,
  name: string,
  args: Record<string, unknown>,
  onprogress?: (progress: { progress: number; message?: string | undefined }) => void,
): Promise<Result> {
  const result = resultSchema.parse(
    await client.callTool(
      { name, arguments: args },
      { timeout: 60_000, resetTimeoutOnProgress: true, ...(onprogress ? { onprogress } : {}) },
    ),
  );
  if (result.isError) throw new Error(`${name}: ${result.content[0]?.text ?? 'failed'}`);
  return result;
}

/** A bar where somebody watches, a line per notification elsewhere. */
async function withProgress<T>(
  work: (onprogress: (progress: { progress: number; message?: string | undefined }) => void) => Promise<T>,
): Promise<T> {
  if (!process.stdout.isTTY) {
    return work(({ progress, message = '' }) =>
      console.log(`  ${progress.toFixed(0).padStart(3)} %  ${message}`),
    );
  }
  const bar = new SingleBar({
    format: '  {bar} {message}',
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    linewrap: false,
    stream: process.stdout,
  });
  bar.start(100, 0, { message: '' });
  try {
    return await work(({ progress, message = '' }) => bar.update(progress, { message }));
  } finally {
    bar.stop();
  }
}

async function savePreview(result: Result): Promise<string> {
  const [image] = result.content;
  if (image?.data === undefined) throw new Error('view_asset answered no picture');
  const extension = image.mimeType === 'image/png' ? 'png' : image.mimeType === 'image/webp' ? 'webp' : 'jpg';
  const file = path.join(out, `mushroom-preview.${extension}`);
  await writeFile(file, Buffer.from(image.data, 'base64'));
  return file;
}

function printNext(): void {
  const server = { command: 'node', args: [cli] };
  console.log(`
Next: give it to your agent.
  Claude Code     claude mcp add meshwright -- node ${quoted(cli)}
  other clients   ${JSON.stringify({ mcpServers: { meshwright: server } })}
Then ask: "Make a 3D model of ${picture} and show it to me."`);
}

function quoted(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
}

main().catch((error: unknown) => {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
