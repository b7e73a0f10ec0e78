/**
 * Spellings that Windows takes for another file than they name (Microsoft, "Naming Files, Paths, and Namespaces"):
 * a check of the spelling would then check the wrong file.
 */

/** Also with any extension, and with digits that are written high. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?$/i;

/** What is wrong with an absolute path on Windows, in words that follow it; undefined for a plain one. */
export function windowsFault(path: string): string | undefined {
  if (!/^[a-z]:[\\/]/i.test(path)) return 'does not begin with a drive such as C:\\';
  const rest = path.slice(3);
  if (rest.includes(':')) return 'names a stream inside of a file, or a second drive';
  if (/[<>"|?*]/.test(rest)) return 'holds a character that no file name has';
  for (const part of rest.split(/[\\/]/)) {
    if (isDevice(part)) return 'names a device, not a file';
    if (/[. ]$/.test(part) && !/^\.{1,2}$/.test(part))
      return 'ends a name with a dot or a space, which Windows drops';
    if (/~\d/.test(part)) return 'may be the short form of another name; give the long one';
  }
  return undefined;
}

/** Whether Windows opens a device under this name, in every folder. */
export function isDevice(name: string): boolean {
  return DEVICE.test(name);
}
