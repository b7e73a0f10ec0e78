import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as bundle } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/**
 * Bundles everything that is plain JavaScript into `dist/`, one file per entry with shared chunks beside it.
 * Start-up then reads one file instead of hundreds, and an install brings only what has native or WASM parts.
 */
export async function build(): Promise<void> {
  const outdir = path.join(root, 'dist');
  const entries: Record<string, string> = {
    cli: 'src/cli.ts',
    'engine-worker': 'src/engine/worker.ts',
    'glb-worker': 'src/glb/worker.ts',
  };
  await mkdir(outdir, { recursive: true });
  const result = await bundle({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      Object.entries(entries).filter(([, file]) => existsSync(path.join(root, file))),
    ),
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    minify: true,
    keepNames: true,
    legalComments: 'linked',
    chunkNames: 'chunk-[hash]',
    external: ['sharp', 'libsql', 'draco3dgltf'],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    metafile: true,
    logLevel: 'error',
  });
  const made = new Set(Object.keys(result.metafile.outputs).map((file) => path.basename(file)));
  for (const name of await readdir(outdir)) {
    if (/\.js(\.LEGAL\.txt)?$/.test(name) && !made.has(name)) await rm(path.join(outdir, name));
  }
  // The KTX2 transcoder ships inside three; only these two files of it are needed.
  await mkdir(path.join(outdir, 'basis'), { recursive: true });
  for (const name of ['basis_transcoder.js', 'basis_transcoder.wasm']) {
    await copyFile(
      require.resolve(`three/examples/jsm/libs/basis/${name}`),
      path.join(outdir, 'basis', name.replace(/\.js$/, '.cjs')),
    );
  }
  if (existsSync(path.join(outdir, 'cli.js'))) await chmod(path.join(outdir, 'cli.js'), 0o755);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await build();
