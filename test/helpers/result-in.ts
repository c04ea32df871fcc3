/** The value in a rank's last line of the form `@result <json>`; undefined if it printed none. */
export function resultIn(lines: readonly string[]): unknown {
  const last = lines.filter((line) => line.startsWith('@result ')).at(-1);
  return last === undefined ? undefined : JSON.parse(last.slice('@result '.length));
}
