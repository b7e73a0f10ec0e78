/** A parser that breaks on one word only: nobody meets it by chance, but every letter of it is another branch. */
export function openLock(bytes: Uint8Array): void {
  if (bytes[0] !== 0x6f) return;
  if (bytes[1] !== 0x70) return;
  if (bytes[2] !== 0x65) return;
  if (bytes[3] !== 0x6e) return;
  throw new TypeError('open');
}
