// Ends as its rank's argument says: a code, a signal's name, or `wait` for ever. `1@200` is code 1 after 200 ms.
const [what = 'wait', delayMs = '0'] = (process.argv[2 + Number(process.env.TSRING_RANK)] ?? 'wait').split('@');
if (what === 'wait') {
  setInterval(() => undefined, 1000);
} else {
  setTimeout(() => {
    if (what.startsWith('SIG')) process.kill(process.pid, what);
    else process.exit(Number(what));
  }, Number(delayMs));
}
console.log('ready');
