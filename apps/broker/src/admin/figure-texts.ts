const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Time since a start, in Java's words. */
export function durationText(millis: number): string {
  const seconds = Math.floor(millis / 1000);
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, seconds % 60];
  return `[ ${days} days, ${hours} hours, ${minutes} minutes, ${rest} seconds ]`;
}

/** An amount of bytes as Java prints it: below a KiB a whole number, then one decimal. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${value.toFixed(1)} ${units[unit]}`;
}
