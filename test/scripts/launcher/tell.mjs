// Tells where and as what it runs.
console.log(
  `@result ${JSON.stringify({ args: process.argv.slice(2), env: process.env, cwd: process.cwd(), pid: process.pid })}`,
);
