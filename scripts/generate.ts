import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';

/**
 * Writes what can be derived: the list of models from their files, what `tools/list` answers, `docs/tools.md`
 * and the tables of the README. `--check` writes nothing and fails when something is out of date.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const stale: string[] = [];
const checking = process.argv.includes('--check');

async function put(file: string, text: string): Promise<void> {
  const full = path.join(root, file);
  const old = await readFile(full, 'utf8').catch(() => '');
  if (old === text) return;
  stale.push(file);
  if (!checking) await writeFile(full, text);
}

async function pretty(file: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path.join(root, file))), filepath: file });
}

async function modelsIndex(): Promise<string> {
  const files = (await readdir(path.join(root, 'src/tools/models')))
    .filter((name) => name.endsWith('.ts'))
    .toSorted();
  const lines = files.map(
    (name, i) => `import { model as model${i} } from '../tools/models/${name.replace(/\.ts$/, '.js')}';`,
  );
  return `// Written by \`npm run generate\` from the files in src/tools/models. Do not edit.
import type { Model } from '../jobs/model.js';
${lines.join('\n')}

export const declared: readonly Model[] = [${files.map((_, i) => `model${i}`).join(', ')}];
`;
}

/** @param name what stands in the comments around the block: `<!-- name -->` … `<!-- /name -->` */
function replaceBlock(text: string, name: string, block: string): string {
  const [before, rest] = text.split(`<!-- ${name} -->`);
  const after = rest?.split(`<!-- /${name} -->`)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md has no block ${name}`);
  return `${before}<!-- ${name} -->\n${block}\n<!-- /${name} -->${after}`;
}

async function main(): Promise<void> {
  await put('src/generated/models.ts', await pretty('src/generated/models.ts', await modelsIndex()));
  // Imported only now, so that a new model is seen.
  const { catalogueTable, listedTools, settingsTable, toolsPage, toolsTable } = await import('./derive.js');
  await put('src/generated/tools.json', `${JSON.stringify(listedTools(), null, 1)}\n`);
  await put('docs/tools.md', toolsPage());
  const readme = await readFile(path.join(root, 'README.md'), 'utf8').catch(() => undefined);
  if (readme !== undefined) {
    const tables = { models: catalogueTable(), tools: toolsTable(), settings: settingsTable() };
    await put(
      'README.md',
      Object.entries(tables).reduce((text, [name, block]) => replaceBlock(text, name, block), readme),
    );
  }
  if (checking && stale.length > 0) {
    process.stderr.write(
      `Out of date: ${stale.join(', ')}. Run \`npm run generate\` and commit the result.\n`,
    );
    process.exitCode = 1;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
