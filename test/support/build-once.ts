import { build } from '../../scripts/build.js';

/** Tests run the built product: workers, the bundled server and the command line are what users get. */
export default async function setup(): Promise<void> {
  await build();
}
