/** Text for HTML and SVG, also between double quotes. */
export function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (letter) => entities[letter]!);
}

/** One element; `content` is markup already. */
export function element(name: string, attributes: Readonly<Record<string, string | number>>, content = ''): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(shortened(value))}"`);
  return `<${name}${list.join('')}>${content}</${name}>`;
}

/** Readable on white, and apart from each other for the colour-blind, too (Okabe and Ito's, and dashes from the second time round). */
export function styleOf(index: number): { readonly colour: string; readonly dashes: string } {
  const colours = ['#d55e00', '#0072b2', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#555555'];
  const dashes = ['none', '6 3', '2 3', '8 3 2 3'];
  return {
    colour: colours[index % colours.length]!,
    dashes: dashes[Math.floor(index / colours.length) % dashes.length]!,
  };
}

/** A tenth of a pixel is enough. */
function shortened(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : value;
}
