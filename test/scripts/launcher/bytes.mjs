// Every byte value but newline, twice, and a newline.
const bytes = Buffer.from([...Array(256).keys()].filter((byte) => byte !== 10));
process.stdout.write(Buffer.concat([bytes, bytes, Buffer.from('\n')]));
