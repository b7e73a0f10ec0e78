/**
 * A command whose process can write no file larger than this, as on a disk that is nearly full. The limit of the
 * shell passes on to what it becomes; POSIX counts in 512 bytes.
 */
export function limited(command: readonly string[], maxFileKb: number | undefined): readonly string[] {
  if (maxFileKb === undefined) return command;
  return ['sh', '-c', `ulimit -f ${2 * maxFileKb}; exec "$@"`, 'sh', ...command];
}
