// Prints many numbered lines as fast as it can, to both streams, the last without a newline.
const lines = Number(process.argv[2]);
for (let index = 0; index < lines; index++) {
  const line = `${index} ${'ab'.repeat(index % 100)} äöü🌍`;
  const stream = index % 3 === 0 ? process.stderr : process.stdout;
  if (!stream.write(`${line}\n`)) await new Promise((resolve) => stream.once('drain', resolve));
}
process.stdout.write('the end');
