// One line of many megabytes, sent in pieces that cut characters in two.
const line = Buffer.from(`${'€'.repeat(Number(process.argv[2]))}\n`);
const pieceBytes = 100_001;
for (let start = 0; start < line.length; start += pieceBytes) {
  const piece = line.subarray(start, start + pieceBytes);
  if (!process.stdout.write(piece)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}
