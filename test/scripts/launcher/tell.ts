// TypeScript with syntax that must be transformed, not only stripped of its types.
enum Greeting {
  Hello = 'hello',
}
const greeting: Greeting = Greeting.Hello;
console.log(`@result ${JSON.stringify({ greeting, cwd: process.cwd() })}`);
