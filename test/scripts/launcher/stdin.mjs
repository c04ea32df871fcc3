// Counts the bytes on its standard input.
let count = 0;
for await (const chunk of process.stdin) count += chunk.length;
console.log(`@result ${count}`);
